import { createHash } from 'node:crypto';
import sharp from 'sharp';
import t from 'tap';
import { readQuery, readTransformation } from '../../../../server/core/operations/transformation.ts';
import { plainerForm } from '../../../../server/core/plan/plainer.ts';
import { makePlan } from '../../../../server/core/plan/plan.ts';
import { openOriginal } from '../../../../server/core/render/render.ts';
import { corpus } from '../../../support/corpus.ts';
import { LIMITS, landmarks, picture } from '../../../support/pictures.ts';

const digest = async (bytes: Buffer, query: string) =>
  createHash('sha256')
    .update((await picture(bytes, query)).bytes)
    .digest('hex');

async function plainer(bytes: Buffer, query: string): Promise<string | undefined> {
  const { source } = await openOriginal(bytes);
  const { canonical } = readQuery(query, {});
  const options = { priority: 'live', limits: LIMITS } as const;
  return plainerForm(makePlan(source, readTransformation(canonical), options), canonical, options);
}

/** Of a picture of 120 x 80 px. */
const FORMS: ReadonlyArray<readonly [query: string, plainer: string | undefined]> = [
  ['w=121&fmt=webp', 'fmt=webp'],
  ['w=4000&fmt=webp', 'fmt=webp'],
  ['w=8192&fmt=webp', 'fmt=webp'],
  ['w=120&fmt=webp', 'fmt=webp'],
  ['w=120&up&fmt=webp', 'fmt=webp'],
  ['h=900&fmt=jpeg&q=60', 'fmt=jpeg&q=60'],
  ['w=900&h=80&fmt=png', 'fmt=png'],
  ['w=900&dpr=2&fmt=png&blur=2', 'blur=4&fmt=png'],
  ['w=900&rect=0,0,50,40&fmt=png', 'fmt=png&rect=0,0,50,40'],
  ['w=900', undefined],
  ['w=119&fmt=webp', undefined],
  ['w=900&h=79&fmt=png', undefined],
  ['w=121&up&fmt=webp', undefined],
  ['w=900&h=900&fit=cover&fmt=png', undefined],
  ['w=900&h=900&fit=contain&fmt=png', undefined],
  ['w=240&h=160&fit=cover&fmt=png', 'fmt=png'],
  ['w=40&rect=0,0,50,40&fmt=png', undefined],
  ['fmt=webp', undefined],
];

t.test(
  'a width above that of the original is the original without a width, and nothing else is',
  async (t) => {
    const source = await landmarks(120, 80);
    for (const [query, wanted] of FORMS) {
      const found = await plainer(source, query);
      t.equal(found, wanted, query);
      if (found !== undefined)
        t.equal(await digest(source, query), await digest(source, found), `${query}: the same bytes`);
    }
  },
);

t.test('of a turned photograph the upright sides count; a drawing has no end', async (t) => {
  const turned = await corpus('exif/orientation-6.png');
  const { source } = await openOriginal(turned);
  const { height } = source.stored;
  t.equal(await plainer(turned, `w=${height}&fmt=png`), 'fmt=png');
  t.equal(await plainer(turned, `w=${height - 1}&fmt=png`), undefined);
  t.equal(await plainer(await corpus('svg/plain.svg'), 'w=5000&fmt=png'), undefined);
});

/** Of a picture of 120 x 80 px, of which trim leaves 90 x 40. */
const TRIMMED = [
  ...['w=120&up', 'h=80&up', 'w=120&h=80&fit=contain', 'w=120&h=80&fit=cover', 'w=300&h=200&fit=cover'],
  ...['w=120&h=80&fit=fill&up', 'w=120&h=80&fit=outside&up', 'w=120&up&pad=3', 'w=120&h=80&up&rot=90'],
  ...[
    'ar=3:2&fit=contain',
    'ar=3:2&fit=fill',
    'ar=3:2',
    'w=120',
    'w=500&h=500',
    'h=900',
    'w=120&h=80&fit=fill',
  ],
];

t.test('what trim leaves has a size of its own, and is enlarged, cut and letterboxed by that', async (t) => {
  const content = await sharp(await landmarks(90, 40)).extend({
    top: 20,
    bottom: 20,
    left: 10,
    right: 20,
    background: '#fff',
  });
  const source = await content.png().toBuffer();
  for (const query of TRIMMED) {
    const asked = `${query}&trim&fmt=png`;
    const found = await plainer(source, asked);
    t.equal(await digest(source, found ?? asked), await digest(source, asked), `${asked}: ${found}`);
  }
  t.equal(
    await plainer(source, 'w=120&trim&fmt=png'),
    'fmt=png&trim=10',
    'where nothing is enlarged, it is one',
  );
});
