import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { Test } from 'tap';
import { readQuery, readTransformation } from '../../server/core/operations/transformation.ts';
import { groupPlans, type Member } from '../../server/core/plan/groups.ts';
import { makePlan } from '../../server/core/plan/plan.ts';
import type { Outcome } from '../../server/core/render/fan-out.ts';
import { openGroup, renderPicture } from '../../server/core/render/fan-out.ts';
import { openOriginal, render } from '../../server/core/render/render.ts';
import type { Opened } from '../../server/core/render/types.ts';
import { corpusPath } from './corpus.ts';
import { lumaOf, ssim } from './ssim.ts';

const LIMITS = { maxPixels: 100_000_000, maxFrames: 500 };
const now = () => performance.now();

export function member(opened: Opened, query: string): Member {
  const name = readQuery(query, {}).canonical;
  const options = { priority: 'live', limits: LIMITS } as const;
  return { name, options, plan: makePlan(opened.source, readTransformation(name), options) };
}

export const sharedBy = (opened: Opened, file: string, signal?: AbortSignal) => ({
  opened,
  path: async () => (isAbsolute(file) ? file : corpusPath(file)),
  maxPixels: LIMITS.maxPixels,
  pass: { timeoutSeconds: 20, signal },
  now,
});

export async function fanned(
  opened: Opened,
  file: string,
  members: readonly Member[],
): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (const group of groupPlans(members)) {
    const base = await openGroup(group, sharedBy(opened, file));
    for (const picture of group.pictures) {
      for await (const outcome of renderPicture(picture, base, sharedBy(opened, file)))
        outcomes.set(outcome.member.name, outcome);
    }
  }
  return outcomes;
}

export const SOURCES = [
  'photos/kodim23.png',
  'photos/adobergb-1.jpg',
  'photos/eiffel-portrait-small.jpg',
  'exif/landscape-6.jpg',
  'exif/landscape-7.jpg',
  'samples/cmyk-small.jpg',
  'samples/transparency-demo.png',
  'samples/cat-trotting.gif',
  'colour/grey-gamma22.jpg',
  'colour/16bit-alpha.png',
  'colour/16bit-rec2020-linear.png',
  'formats/harvesters-lossy.webp',
  'formats/kodim23.avif',
  'formats/screenshot.png',
  'formats/tiled.tiff',
];

/** Lossless, so that pixels are compared and not what an encoder makes of a rounding. */
export const QUERIES = [
  'w=200&fmt=png&anim=0',
  'w=120&fmt=png&anim=0',
  'w=100&h=100&fit=cover&g=ne&fmt=png&anim=0',
  'w=100&h=60&fit=contain&bg=ff0000&fmt=png&anim=0',
  'w=90&rot=90&fmt=png&anim=0',
  'w=90&rot=10&bg=00ff00&fmt=png&anim=0',
  'w=110&sharp=2&fmt=png&anim=0',
  'w=110&gam=2&fmt=png&anim=0',
  'w=100&gam=2&fmt=png&anim=0',
  'rect=r,0.1,0.1,0.5,0.5&w=80&fmt=png&anim=0',
  'rect=r,0.1,0.1,0.5,0.5&w=60&fmt=png&anim=0',
  'w=80&trim=10&fmt=png&anim=0',
  'w=80&icc=keep&fmt=png&anim=0',
];

/** The loader scales WebP to each size, and 16 bits are 8 in a base. */
const SHARED_LOOSELY = /\.webp$|16bit/;

/** Asserts that what is rendered together looks as what is rendered alone. */
export async function looksAlike(t: Test, file: string, queries: readonly string[]): Promise<void> {
  const opened = await openOriginal(await readFile(corpusPath(file)));
  const members = queries.map((query) => member(opened, query));
  const together = await fanned(opened, file, members);
  for (const { name, plan, options } of members) {
    const outcome = together.get(name);
    const alone = await render({ ...sharedBy(opened, file), plan, options });
    if (!outcome || 'error' in outcome) {
      t.fail(`${name}: ${String(outcome?.error)}`);
      continue;
    }
    const [a, b] = [alone.size, outcome.rendered.size];
    t.same(b, a, `${name}: size`);
    t.same(outcome.rendered.warnings, alone.warnings, `${name}: warnings`);
    const likeness = ssim(await lumaOf(alone.bytes), await lumaOf(outcome.rendered.bytes));
    const least = SHARED_LOOSELY.test(file) ? 0.98 : 0.9999;
    t.ok(likeness >= least, `${name}: SSIM ${likeness.toFixed(5)}`);
  }
}
