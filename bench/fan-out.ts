import { readFile } from 'node:fs/promises';
import type { Sharp } from 'sharp';
import sharp from 'sharp';
import { encodeResult } from '../server/core/encode.ts';
import type { Group, Member, Outcome, Shared } from '../server/core/fan-out.ts';
import { groupPlans, openGroup, renderPicture } from '../server/core/fan-out.ts';
import type { Lane } from '../server/core/formats.ts';
import { makePlan } from '../server/core/plan.ts';
import type { Opened } from '../server/core/render.ts';
import { openOriginal, render } from '../server/core/render.ts';
import { readQuery, readTransformation } from '../server/core/transformation.ts';
import { lumaOf, ssim } from '../test/support/ssim.ts';
import { median, print, type Row, ratio } from './stats.ts';

const PHOTOGRAPH = new URL('../test/corpus/files/photos/snow-forest-20mp.jpg', import.meta.url);
const WIDTHS = [320, 480, 640, 800, 1200, 1600];
const LIMITS = { maxPixels: 100_000_000, maxFrames: 500 };

export interface FanOutFigures {
  readonly lane: Lane;
  /** CPU ms of 12 single renders and of one fan-out, medians. */
  readonly singleMs: number;
  readonly fannedMs: number;
  readonly ratio: number;
  /**
   * To its single render, of each picture as it reaches the encoder, and of each variant. Encoders are no measure
   * of pixels: `noise` is the variant whose picture had one level added or taken in one of eight pixels.
   */
  readonly ssim: Readonly<
    Record<string, { readonly picture: number; readonly variant: number; readonly noise: number }>
  >;
  /** Bytes of all 12, fanned out over single. */
  readonly bytes: number;
}

type Results = ReadonlyMap<string, Uint8Array>;

function members(opened: Opened, lane: Lane, formats: readonly string[]): Member[] {
  const queries = WIDTHS.flatMap((width) => formats.map((format) => `w=${width}&fmt=${format}`));
  return queries.map((query) => {
    const name = readQuery(query, {}).canonical;
    const options = { lane, limits: LIMITS };
    return { name, options, plan: makePlan(opened.source, readTransformation(name), options) };
  });
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

/** CPU ms of all threads. */
async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * 12 variants of one 20 MP photograph: CPU of one fan-out against 12 single renders with the same encoder
 * settings, measured in turns, and how alike the pictures are.
 */
export async function fanOut({ lane, rounds = 5 }: { lane: Lane; rounds?: number }): Promise<FanOutFigures> {
  sharp.concurrency(1);
  sharp.cache(false);
  const opened = await openOriginal(await readFile(PHOTOGRAPH));
  const list = members(opened, lane, ['webp', 'jpeg']);
  const now = () => performance.now();
  const shared = { opened, maxPixels: LIMITS.maxPixels, pass: { timeoutSeconds: 60 }, now };
  const [alone, together] = [await single(list, shared), await fanned(list, shared)];
  const times: { single: number[]; fanned: number[] } = { single: [], fanned: [] };
  for (let round = 0; round < rounds; round++) {
    times.single.push(await cpuMs(() => single(list, shared)));
    times.fanned.push(await cpuMs(() => fanned(list, shared)));
  }
  const [singleMs, fannedMs] = [median(times.single), median(times.fanned)];
  const total = (results: Results) => [...results.values()].reduce((sum, { length }) => sum + length, 0);
  const bytes = total(together) / total(alone);
  return {
    lane,
    singleMs,
    fannedMs,
    ratio: fannedMs / singleMs,
    ssim: await likeness(opened, lane, shared),
    bytes,
  };
}

async function likeness(opened: Opened, lane: Lane, shared: Shared): Promise<FanOutFigures['ssim']> {
  const [lossless, lossy] = [members(opened, lane, ['png']), members(opened, lane, ['webp', 'jpeg'])];
  const pictures = [await single(lossless, shared), await fanned(lossless, shared)] as const;
  const variants = [await single(lossy, shared), await fanned(lossy, shared)] as const;
  const values: Record<string, { picture: number; variant: number; noise: number }> = {};
  for (const { name, plan } of lossy) {
    const png = lossless.find((other) => other.plan.result.width === plan.result.width)?.name ?? '';
    const disturbed = await encodeResult(
      await noisy(of(pictures[0], png)),
      plan,
      opened.metadata,
      shared.pass,
    );
    const alone = await lumaOf(of(variants[0], name));
    values[name] = {
      picture: ssim(await lumaOf(of(pictures[0], png)), await lumaOf(of(pictures[1], png))),
      variant: ssim(alone, await lumaOf(of(variants[1], name))),
      noise: ssim(alone, await lumaOf(disturbed.bytes)),
    };
  }
  return values;
}

function of(results: Results, name: string): Uint8Array {
  const bytes = results.get(name);
  if (!bytes) throw new Error(`${name} was not rendered.`);
  return bytes;
}

/** One level up or down in one of eight pixels, by a fixed sequence. */
async function noisy(png: Uint8Array): Promise<Sharp> {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  let state = 1;
  for (let at = 0; at < data.length; at += info.channels) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    const level = state >> 28 === 0 ? 1 : state >> 28 === 1 ? -1 : 0;
    for (let band = at; band < at + 3; band++)
      data[band] = Math.min(255, Math.max(0, (data[band] ?? 0) + level));
  }
  const { width, height, channels } = info;
  return sharp(data, { raw: { width, height, channels } });
}

function rows({ lane, ratio: cpu, singleMs, fannedMs, bytes, ssim }: FanOutFigures): Row[] {
  const worst = Math.min(...Object.values(ssim).map(({ picture }) => picture));
  const ms = `${Math.round(fannedMs)} / ${Math.round(singleMs)} ms`;
  return [
    {
      what: `CPU of 12 variants at once / one by one, ${lane} settings`,
      figure: `${ratio(cpu)} (${ms}), bytes ${ratio(bytes)}`,
      budget: '<= 0.5',
    },
    { what: 'SSIM of the pictures, least', figure: worst.toFixed(4), budget: '>= 0.99' },
    ...Object.entries(ssim).map(([what, { picture, variant, noise }]) => {
      const [p, v, n] = [picture, variant, noise].map((value) => value.toFixed(4));
      return { what: `  ${what}`, figure: `${p}, encoded ${v}; one level of noise, encoded: ${n}` };
    }),
  ];
}

/** With the settings of both lanes. */
export async function fanOutRows(): Promise<Row[]> {
  return [...rows(await fanOut({ lane: 'live' })), ...rows(await fanOut({ lane: 'warm' }))];
}

if (import.meta.main) {
  print('Warm fan-out of a 20 MP photograph', await fanOutRows());
  process.exit(0);
}
