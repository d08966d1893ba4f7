import { isDeepStrictEqual } from 'node:util';
import type { ExternalServices } from '../../../server/compose/external-services.ts';
import type { Objects } from '../../../server/stores/objects.ts';
import type { Stores } from '../../../server/stores/stores.ts';
import { currentVersion } from '../../../server/warming/queue.ts';
import { removeStaged } from '../../../server/writing/staging.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';
import { startServer } from '../../support/server.ts';
import { createWarmer, isDrained, type TestWarmer } from '../../support/warmer.ts';
import { prepare, REMOTE, type Step } from './calls.ts';
import { type Mortal, mortal } from './mortal.ts';

/** What the client does after the kill. */
export type After = 'repeat' | 'only the sweep';

export interface Outcome {
  readonly writes: number;
  /** Of the repeated call. */
  readonly status: number | undefined;
  /** What is not as it should be; nothing may be. */
  readonly faults: readonly string[];
}

export interface KillOutcome extends Outcome {
  readonly after: After;
}

/** A row of the table call x steps x outcome, as it is quoted. */
export function row(call: string, writes: number, outcomes: readonly KillOutcome[]): string {
  const after = (kind: After) => {
    const of = outcomes.filter((outcome) => outcome.after === kind);
    const agreed = of.filter(({ faults }) => faults.length === 0).length;
    const answers = [...new Set(of.flatMap(({ status }) => status ?? []))].sort().join(', ');
    return `${agreed} of ${of.length}${answers && ` (answered ${answers})`}`;
  };
  return `| ${call} | ${writes} | ${after('repeat')} | ${after('only the sweep')} |`;
}

export const ENV = {
  API_RATE_PER_MINUTE: '0',
  SWEEP_SECONDS: '1',
  VISIBILITY_SECONDS: '1',
  WEBHOOK_SECRET: 'a secret of some length, as they are',
  WEBHOOK_PRIVATE: '1',
  IMPORT_HOSTS: REMOTE,
  SOURCES: `shop=${REMOTE}/`,
  IMPORT_PRIVATE: '1',
};
const ROUNDS = 40;

/** How time goes by until all is settled, and what happens between the kill and that. */
export interface Time {
  readonly afterKill: () => void;
  readonly pass: (stores: Stores) => Promise<void>;
}

const SOON: Time = { afterKill: () => {}, pass: expire };

/** Does a step on a server that is killed after its k-th write, then what `after` says, and looks what is there. */
export async function killed(
  step: Step,
  k: number,
  after: After,
  env: Record<string, string>,
  time = SOON,
): Promise<Outcome> {
  const own = await temporaryFolder();
  const all = { DATA_DIR: own, ...ENV, ...env };
  const cleared: string[] = [];
  const edge = { invalidate: async (paths: readonly string[]) => void cleared.push(...paths) };
  const warmer = await createWarmer(all, undefined, { edge });
  const live = await startServer(all, { edge });
  try {
    await prepare(live);
    await settled(warmer);
    cleared.length = 0;
    const writes = await dies(step, k, all, edge);
    time.afterKill();
    const status = after === 'repeat' ? (await step.act(live)).status : undefined;
    const faults = await settled(warmer, [], time.pass);
    const isClear = cleared.some((path) => path === '/img/a*' || path === '/img/a');
    // The first write of a replacement goes aside, and of what was refused nothing has changed.
    if (step.isPublic && after === 'repeat' && !isClear) faults.push('the edge was not told');
    return { writes, status, faults };
  } finally {
    await live.close();
    await warmer.close();
    await removeFolder(own);
  }
}

/** @returns  how many writes it came to */
async function dies(
  step: Step,
  k: number,
  env: Record<string, string>,
  edge: NonNullable<ExternalServices['edge']>,
): Promise<number> {
  let doomed: Mortal | undefined;
  const server = await startServer(env, { edge }, (stores) => {
    doomed = mortal(stores, k);
    return doomed.stores;
  });
  await step.act(server).catch(() => undefined);
  await server.close();
  return doomed?.writes() ?? 0;
}

/** A result that was made on request, of a form that nobody has listed. */
export interface Requested {
  readonly id: string;
  readonly form: string;
}

/** Lets warmer and sweep do what is left, as time goes by; what is still wrong in the end. */
export async function settled(
  warmer: TestWarmer,
  requested: readonly Requested[] = [],
  pass: Time['pass'] = expire,
): Promise<string[]> {
  let faults: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await pass(warmer.stores);
    await warmer.rounds.run();
    await drained(warmer);
    faults = await faultsOf(warmer.stores, requested);
    if (faults.length === 0) return [];
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return faults;
}

/** The hour of a form and of staged bytes, the minute of a claim, and the time of a fetch are over. */
export async function expire({ originals, records: { images } }: Stores): Promise<void> {
  const now = new Date().toISOString();
  for (const { id, openUntil = '', source, revision } of (await images.list({ limit: 100 })).items) {
    if (openUntil > now) await images.update(id, revision, { openUntil: now });
    if ((source?.notBefore ?? '') > now && source)
      await images.update(id, revision, { source: { ...source, notBefore: now } });
  }
  await removeStaged(originals, new Date(Date.now() + 60_000));
}

async function drained(warmer: TestWarmer): Promise<void> {
  const isEmpty = () => isDrained(warmer.stores);
  if (await isEmpty()) return;
  const other = await createWarmer(
    { ...ENV, DATA_DIR: warmer.config.dataDir },
    () => warmer.stores,
    warmer.beyond,
  );
  try {
    await other.until(isEmpty);
  } finally {
    await other.close();
  }
}

async function faultsOf(
  { originals, results, records, jobs }: Stores,
  requested: readonly Requested[],
): Promise<string[]> {
  const faults: string[] = [];
  const { items } = await records.images.list({ limit: 100 });
  const objects = (await originals.list({ prefix: '', limit: 100 })).items;
  for (const { key } of objects)
    if (!items.some(({ id }) => id === key)) faults.push(`the object ${key} has no record`);
  const wanted: string[] = [];
  for (const record of items) {
    const { id, status, owed } = record;
    const version = currentVersion(record);
    if (status !== 'completed') faults.push(`${id} is ${status}`);
    if (owed) faults.push(`${id} owes ${Object.keys(owed)}`);
    if (objects.find(({ key }) => key === id)?.etag !== record.version)
      faults.push(`${id} has another original`);
    for (const variant of await records.variants.list(id)) {
      if (variant.status !== 'ready' || variant.version !== version)
        faults.push(`${id} ${variant.variant} is ${variant.status} of ${variant.version}`);
      wanted.push(`${id} ${variant.variant} ${version}`);
    }
    for (const { form } of requested.filter((result) => result.id === id))
      wanted.push(`${id} ${form} ${version}`);
  }
  faults.push(...(await resultFaults(results, wanted)));
  const before = new Date(Date.now() + 60_000);
  const owing = (await records.images.stalled({ before, ahead: before, limit: 10 })).items;
  if (owing.length) faults.push(`still stalled: ${owing.map(({ id }) => id)}`);
  const depth = await jobs.depth();
  if (!isDeepStrictEqual(depth, { ready: 0, inFlight: 0, dead: 0 })) faults.push(JSON.stringify(depth));
  return faults;
}

/** @param wanted  id, form and version of each result that has to be there, and no other */
async function resultFaults(results: Objects, wanted: readonly string[]): Promise<string[]> {
  const faults: string[] = [];
  const there: string[] = [];
  for (const { key } of (await results.list({ prefix: '', limit: 100 })).items) {
    const { metadata = {} } = (await results.head(key)) ?? {};
    there.push(`${key} ${metadata['original-version']}`);
    if (metadata['upgrade'] !== undefined) faults.push(`${key} is still to be made smaller`);
  }
  const isThere = (one: string) => {
    const [id, form, version = ''] = one.split(' ');
    return there.some((key) => key.startsWith(`img/${id}/${form}`) && key.endsWith(` ${version}`));
  };
  faults.push(...wanted.filter((one) => !isThere(one)).map((one) => `no result of ${one}`));
  if (there.length !== wanted.length) faults.push(`${there.length} results of ${wanted.length}`);
  return faults;
}
