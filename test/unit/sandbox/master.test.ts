import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { heicSource, makeMaster } from '../../../server/sandbox/master.ts';
import { rejection } from '../../contract/suite.ts';
import { corpus, heicRows } from '../../support/corpus.ts';

const LIMITS = { maxPixels: 1_000_000, maxFrames: 1 };
/** Decoded in a moment; heic-pillow.test.ts has the others, and their pixels. */
const SMALL_BYTES = 100_000;

const never = new AbortController().signal;

for (const row of heicRows().filter(({ bytes }) => Number(bytes) < SMALL_BYTES)) {
  const { file, outcome } = row;
  const [width, height] = [Number(row.width), Number(row.height)];
  t.test(`${file} in the process that decodes it`, async (t) => {
    const bytes = await corpus(file);
    const fileName = `rendition-master-${process.pid}-${file.replaceAll('/', '-')}`;
    const path = join(tmpdir(), fileName);
    t.teardown(() => rm(path, { force: true }));
    const made = () => makeMaster(bytes, { limits: LIMITS, fileName }, never);
    if (outcome === 'reject') {
      t.match(await rejection(made()), { code: /^(damaged|unsupported)_source$/ });
      return;
    }
    const source = heicSource(bytes);
    t.match(source, { format: 'heic', stored: { width, height } });
    t.match(await made(), { format: 'heic' });
    const {
      format,
      width: wide,
      height: high,
      depth,
      hasAlpha,
    } = await sharp(await readFile(path)).metadata();
    t.same([format, wide, high], ['png', width, height]);
    t.equal(depth, /_1[02]__|turned/.test(file) ? 'ushort' : 'uchar', 'as deep as it was');
    t.equal(hasAlpha, source.alpha);
  });
}

t.test('who has left gets no file, and what is larger than allowed is not decoded', async (t) => {
  const bytes = await corpus('heic/RGB_8__128x128.heif');
  const limits = { ...LIMITS, maxPixels: 128 * 128 - 1 };
  const fileName = `rendition-master-${process.pid}-none`;
  t.match(await rejection(makeMaster(bytes, { limits, fileName }, never)), { code: 'too_many_pixels' });
  await t.rejects(makeMaster(bytes, { limits: LIMITS, fileName }, AbortSignal.abort()), {
    name: 'AbortError',
  });
  await t.rejects(readFile(join(tmpdir(), fileName)), { code: 'ENOENT' });
});
