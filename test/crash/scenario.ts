import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageRecord } from '../../server/stores/images.ts';
import type { Objects } from '../../server/stores/objects.ts';
import { noise } from '../support/api.ts';
import { storedKey } from '../support/results.ts';
import { waitFor } from '../support/wait.ts';
import { Deployment, VARIANTS } from './deployment.ts';

export interface CrashReport {
  readonly accepted: number;
  readonly kills: { readonly warmer: number; readonly server: number };
  readonly seconds: number;
  /** What is wrong; nothing else may be. */
  readonly faults: readonly string[];
}

export interface CrashOptions {
  readonly images: number;
  readonly warmers: number;
  /** Kills of the server while images are uploaded; those of warmers go on until `kills` of them. */
  readonly serverKills: number;
  readonly kills: number;
  /** Settings of stores; absent: those of a folder. */
  readonly stores?: Record<string, string>;
  /** To do all again the same way, as far as two processes ever do. */
  readonly seed: number;
}

function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
}

/** Uploads images while warmers and the server are killed at random; then lets them finish and counts. */
export async function crash(options: CrashOptions): Promise<CrashReport> {
  const started = Date.now();
  const deployment = await Deployment.open(options.stores);
  const random = randoms(options.seed);
  const kills = { warmer: 0, server: 0 };
  let ending = false;
  const looking = (async () => {
    for (; !ending; await sleep(lookMs(options))) await deployment.look();
  })();
  try {
    await deployment.startServer();
    const warming = Array.from({ length: options.warmers }, async () => {
      while (kills.warmer < options.kills) {
        kills.warmer += 1;
        const warmer = await deployment.startWarmer();
        // From within its first job to some jobs later.
        await sleep(20 + random() * 1200);
        await deployment.killWarmer(warmer);
      }
    });
    const serving = (async () => {
      while (kills.server < options.serverKills) {
        await sleep(100 + random() * 1500);
        kills.server += 1;
        await deployment.killServer();
      }
    })();
    const ids = await uploadAll(deployment, options.images);
    await Promise.all([...warming, serving]);
    await deployment.startWarmer();
    await finished(deployment, ids);
    ending = true;
    await looking;
    await deployment.look();
    const faults = await faultsOf(deployment, ids);
    return { accepted: ids.length, kills, seconds: (Date.now() - started) / 1000, faults };
  } finally {
    ending = true;
    await looking.catch(() => {});
    await deployment.close();
  }
}

/** A look lists every result there is. */
const lookMs = ({ images }: CrashOptions): number => Math.max(250, images * 5);

/** Four at a time. */
async function uploadAll(deployment: Deployment, count: number): Promise<string[]> {
  const ids: string[] = [];
  let next = 0;
  const lane = async () => {
    for (let seed = next++; seed < count; seed = next++) {
      ids.push(await deployment.upload(await noise(300, 200, seed + 1)));
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  return ids;
}

/** Accepted or not: what is known of has to get on, but for uploads whose server was killed in the middle. */
async function finished(deployment: Deployment, ids: readonly string[]): Promise<void> {
  const isFinished = async () => {
    const images = await deployment.images();
    const open = images.filter(
      ({ id, status }) => status !== 'completed' && (status !== 'uploading' || ids.includes(id)),
    );
    return images.length >= ids.length && open.length === 0;
  };
  // One wait for each hundred: what is missing then is told by its faults.
  for (let lap = 0; lap <= ids.length / 100; lap++) {
    const done = await waitFor(isFinished).then(
      () => true,
      () => false,
    );
    if (done) return;
  }
}

/** Originals and results that no record knows. */
async function orphansOf({ stores }: Deployment, images: readonly ImageRecord[]): Promise<string[]> {
  const ids = new Set(images.map(({ id }) => id));
  const expected = new Set([...ids].flatMap((id) => VARIANTS.map((variant) => storedKey(id, variant))));
  const originals = (await allKeys(stores.originals)).filter((key) => !ids.has(key));
  const results = (await allKeys(stores.results)).filter(
    (key) => key.startsWith('img/') && !expected.has(key),
  );
  return [...originals, ...results].map((key) => `${key} belongs to no image`);
}

async function allKeys(objects: Objects): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await objects.list({ prefix: '', limit: 1000, ...(cursor ? { cursor } : {}) });
    keys.push(...page.items.map(({ key }) => key));
    cursor = page.next;
  } while (cursor);
  return keys;
}

async function faultsOf(deployment: Deployment, ids: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  const { records, results, jobs } = deployment.stores;
  for (const id of ids) {
    const record = await records.images.get(id);
    if (record?.status !== 'completed') faults.push(`${id} is ${record?.status ?? 'lost'}`);
    if (!record?.original?.placeholder) faults.push(`${id} has no placeholder`);
    const variants = await records.variants.list(id);
    for (const variant of VARIANTS) {
      const known = variants.find((entry) => entry.variant === variant);
      if (known?.status !== 'ready') faults.push(`${id} ${variant} is ${known?.status ?? 'lost'}`);
      const stored = await results.head(storedKey(id, variant));
      if (stored?.size !== known?.bytes || !stored) faults.push(`${id} ${variant} has no such result`);
      const etags = deployment.seen.get(storedKey(id, variant))?.size ?? 0;
      if (etags !== 1) faults.push(`${id} ${variant} was seen as ${etags} different results`);
    }
  }
  // An upload that was killed in the middle is held for its server until a lease ends; the sweep does the rest.
  const images = await deployment.images();
  faults.push(...(await orphansOf(deployment, images)));
  for (const { id, status } of images) {
    if (status !== 'completed' && status !== 'uploading') faults.push(`${id}, never accepted, is ${status}`);
  }
  const { dead } = await jobs.depth();
  if (dead) faults.push(`${dead} dead letters`);
  return faults;
}
