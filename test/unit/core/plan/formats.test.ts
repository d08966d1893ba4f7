import t from 'tap';
import { readQuery, readTransformation } from '../../../../server/core/operations/transformation.ts';
import {
  chooseFormat,
  encoderSettings,
  FORMAT_TABLE,
  wantsMotion,
} from '../../../../server/core/plan/formats.ts';
import { codecQuality } from '../../../../server/core/plan/quality.ts';
import { source } from '../../../support/sources.ts';

const values = (query: string) => readTransformation(readQuery(query, {}).canonical);
const STILL = source({ format: 'jpeg' });
const CLEAR = source({ format: 'png', alpha: true });
const FLAT = source({ format: 'png', palette: true });
const MOVING = source({ format: 'gif', pages: 3, moving: true, delay: [40, 50, 60], loop: 2 });
const OTHER = source({ format: 'tiff' });

t.test('the format follows from the picture where the URL leaves it open', async (t) => {
  const table: readonly [name: string, of: typeof STILL, query: string, format: string][] = [
    ['a photograph', STILL, '', 'jpeg'],
    ['alpha', CLEAR, '', 'png'],
    ['a palette', FLAT, '', 'png'],
    ['motion', MOVING, '', 'gif'],
    ['motion that is not wanted', MOVING, 'anim=0', 'jpeg'],
    ['a page of a moving picture', MOVING, 'page=2', 'jpeg'],
    ['round corners need alpha', STILL, 'r=5', 'png'],
    ['a mask needs alpha', STILL, 'mask=ellipse', 'png'],
    ['a palette is asked for', STILL, 'colors=16', 'png'],
    ['no loss is asked for', STILL, 'lossless', 'png'],
    ['motion is asked for where there is none', STILL, 'anim=1', 'jpeg'],
    ['motion is asked for where there is none, and AVIF understood', STILL, 'anim=1&fmt=auto-avif', 'avif'],
    ['AVIF is understood', STILL, 'fmt=auto-avif', 'avif'],
    ['AVIF is understood, but it moves', MOVING, 'fmt=auto-avif', 'webp'],
    ['AVIF is understood, but has no palette', STILL, 'fmt=auto-avif&colors=8', 'png'],
    ['the format of the original', FLAT, 'fmt=source', 'png'],
    ['the original cannot be written', OTHER, 'fmt=source', 'jpeg'],
    ['said outright', MOVING, 'fmt=jpeg', 'jpeg'],
  ];
  for (const [name, of, query, format] of table) t.equal(chooseFormat(of, values(query)), format, name);
});

t.test('a placeholder, a page and anim=0 do not move', async (t) => {
  t.same(
    ['', 'anim=1', 'anim=0', 'page=2', 'ph=color'].map((query) => wantsMotion(MOVING, values(query))),
    [true, true, false, false, false],
  );
  t.equal(wantsMotion(STILL, values('anim=1')), false);
});

t.test('the priority decides the effort unless the URL does', async (t) => {
  const effort = (query: string, priority: 'live' | 'warm') =>
    encoderSettings(STILL, values(query), priority, false).effort;
  t.same([effort('', 'live'), effort('', 'warm')], ['live', 'warm']);
  t.same([effort('effort=fast', 'warm'), effort('effort=small', 'live')], ['fast', 'warm']);
});

t.test('frames without a time of their own get 100 ms', async (t) => {
  const { delay } = encoderSettings({ ...MOVING, delay: [40] }, values(''), 'live', true);
  t.same(delay, [40, 100, 100]);
});

t.test('every format costs more the more effort it takes', async (t) => {
  for (const [name, { cost }] of Object.entries(FORMAT_TABLE))
    t.ok(cost.fast <= cost.live && cost.live <= cost.warm, name);
});

t.test('the quality map rises with q and keeps its ends', async (t) => {
  for (const format of ['jpeg', 'webp', 'avif'] as const) {
    const map = Array.from({ length: 100 }, (_, position) => codecQuality(format, position + 1));
    t.ok(
      map.every(
        (quality, index) => Number.isInteger(quality) && quality >= (map[index - 1] ?? 1) && quality <= 100,
      ),
      format,
    );
    t.same([map[0], map[99]], [1, 100], format);
  }
  t.equal(codecQuality('jpeg', 42), 42);
  // 75 is 77 and 80 is 81: two fifths of the way between are 78.6.
  t.equal(codecQuality('webp', 77), 79);
  t.equal(codecQuality('webp', 76), 78);
});
