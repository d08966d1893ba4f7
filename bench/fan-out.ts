import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readQuery, readTransformation } from '../server/core/operations/transformation.ts';
import type { Priority } from '../server/core/plan/formats.ts';
import { type Group, groupPlans, type Member } from '../server/core/plan/groups.ts';
import { makePlan } from '../server/core/plan/plan.ts';
import { encodeResult } from '../server/core/render/encode.ts';
import type { Outcome, Shared } from '../server/core/render/fan-out.ts';
import { openGroup, renderPicture } from '../server/core/render/fan-out.ts';
import type { Raw } from '../server/core/render/pipeline.ts';
import { fromRaw } from '../server/core/render/pipeline.ts';
import { openOriginal, pixelsOf, render } from '../server/core/render/render.ts';
import type { Opened } from '../server/core/render/types.ts';
import { configureSharp } from '../server/core/sharp/configure.ts';
import { lumaOf, ssim } from '../test/support/ssim.ts';
import { median, print, type Row, ratio } from './stats.ts';

const SNOW_FOREST = fileURLToPath(
  new URL('../test/corpus/files/photos/snow-forest-20mp.jpg', import.meta.url),
);
const WIDTHS = [320, 480, 640, 800, 1200, 1600];
const LIMITS = { maxPixels: 100_000_000, maxFrames: 500 };

export interface FanOutFigures {
  readonly priority: Priority;
  /** CPU ms of 12 single renders, of one fan-out, and of its encoders alone; medians. */
  readonly singleMs: number;
  readonly fannedMs: number;
  readonly encodeMs: number;
  /** Of each variant, encoded, to its single render. */
  readonly ssim: Readonly<Record<string, number>>;
}

type Results = ReadonlyMap<string, Uint8Array>;

function members(opened: Opened, priority: Priority): Member[] {
  return WIDTHS.flatMap((width) => ['webp', 'jpeg'].map((format) => `w=${width}&fmt=${format}`)).map(
    (query) => {
      const name = readQuery(query, {}).canonical;
      const options = { priority, limits: LIMITS };
      return { name, options, plan: makePlan(opened.source, readTransformation(name), options) };
    },
  );
}

async function single(list: readonly Member[], shared: Shared): Promise<Results> {
  const results = new Map<string, Uint8Array>();
  for (const { name, plan, options } of list) {
    results.set(name, (await render({ ...shared, plan, options })).bytes);
  }
  return results;
}

async function fanned(list: readonly Member[], shared: Shared): Promise<Results> {
  const results = new Map<string, Uint8Array>();
  const keep = (outcome: Outcome) => {
    if ('error' in outcome) throw outcome.error;
    results.set(outcome.member.name, outcome.rendered.bytes);
  };
  for (const group of groupPlans(list)) await renderGroup(group, shared, keep);
  return results;
}

async function renderGroup(group: Group, shared: Shared, keep: (outcome: Outcome) => void): Promise<void> {
  const base = await openGroup(group, shared);
  for (const picture of group.pictures) {
    for await (const outcome of renderPicture(picture, base, shared)) keep(outcome);
  }
}

async function pixelsOfAll(list: readonly Member[], shared: Shared): Promise<Map<Member, Raw>> {
  const pixels = new Map<Member, Raw>();
  for (const member of list) pixels.set(member, await pixelsOf({ ...shared, ...member }));
  return pixels;
}

async function encodeAll(pixels: ReadonlyMap<Member, Raw>, { opened, pass }: Shared): Promise<void> {
  for (const [{ plan }, raw] of pixels)
    await encodeResult({ image: fromRaw(raw), plan, isStripped: true }, opened, pass);
}

/** CPU ms of all threads. */
async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * 12 variants of one photograph: CPU of one fan-out against 12 single renders with the same encoder
 * settings, measured in turns, and how alike the files are.
 */
export async function fanOut({
  priority,
  rounds = 5,
  photograph = SNOW_FOREST,
  isCompared = true,
}: {
  priority: Priority;
  rounds?: number;
  photograph?: string;
  /** Whether files are held against single renders, which takes longer than all the rest. */
  isCompared?: boolean;
}): Promise<FanOutFigures> {
  configureSharp();
  const opened = await openOriginal(await readFile(photograph));
  const list = members(opened, priority);
  const pass = { timeoutSeconds: 60 };
  const now = () => performance.now();
  const shared = { opened, path: async () => photograph, maxPixels: LIMITS.maxPixels, pass, now };
  const [alone, together] = [await single(list, shared), await fanned(list, shared)];
  const pixels = await pixelsOfAll(list, shared);
  const times = { single: [] as number[], fanned: [] as number[], encode: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    times.single.push(await cpuMs(() => single(list, shared)));
    times.fanned.push(await cpuMs(() => fanned(list, shared)));
    times.encode.push(await cpuMs(() => encodeAll(pixels, shared)));
  }
  const ssims: Record<string, number> = {};
  for (const { name } of isCompared ? list : []) {
    ssims[name] = ssim(await lumaOf(of(alone, name)), await lumaOf(of(together, name)));
  }
  const [singleMs, fannedMs, encodeMs] = [median(times.single), median(times.fanned), median(times.encode)];
  return { priority, singleMs, fannedMs, encodeMs, ssim: ssims };
}

function of(results: Results, name: string): Uint8Array {
  const bytes = results.get(name);
  if (!bytes) throw new Error(`${name} was not rendered.`);
  return bytes;
}

function rows({ priority, singleMs, fannedMs, encodeMs, ssim }: FanOutFigures, budget?: string): Row[] {
  const ms = `${Math.round(fannedMs)} / ${Math.round(singleMs)} ms`;
  return [
    {
      what: `CPU of 12 variants at once / one by one, ${priority} settings`,
      figure: `${ratio(fannedMs / singleMs)} (${ms}), of which encoders ${ratio(encodeMs / singleMs)}`,
      ...(budget ? { budget } : {}),
    },
    {
      what: 'SSIM of the files to single renders, least',
      figure: Math.min(...Object.values(ssim)).toFixed(4),
      budget: '>= 0.99',
    },
    ...Object.entries(ssim).map(([what, value]) => ({ what: `  ${what}`, figure: value.toFixed(4) })),
  ];
}

/** With the settings of a request, for which the budget was measured, and with the warmer's, whose encoders take longer. */
export async function fanOutRows(): Promise<Row[]> {
  return [...rows(await fanOut({ priority: 'live' }), '<= 0.5'), ...rows(await fanOut({ priority: 'warm' }))];
}

if (import.meta.main) {
  print('Warm fan-out of a 20 MP photograph', await fanOutRows());
  process.exit(0);
}
