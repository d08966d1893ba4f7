import type { Inputs } from '../server/reading/inputs.ts';
import type { Results } from '../server/reading/results.ts';
import type { Records } from '../server/stores/stores.ts';
import type { VariantChange, VariantRecord } from '../server/stores/variants.ts';
import { EVICTED } from '../server/warming/lifetime.ts';
import { toUpdate } from '../server/warming/queue.ts';

export interface ExpiryOptions {
  readonly records: Pick<Records, 'variants'>;
  readonly results: Pick<Results, 'variantAt' | 'head'>;
  readonly inputs: Pick<Inputs, 'marks'>;
}

type Gone = Pick<VariantChange, 'error'>;

/**
 * Writes down that results are gone, which their bucket has told of. An event may be late: what was made anew meanwhile
 * is ready.
 *
 * @param keys  of the results bucket
 * @param why   absent: their time was over
 * @returns     how many variants have expired by this
 */
export async function followExpiry(
  keys: readonly string[],
  options: ExpiryOptions,
  why: Gone = {},
): Promise<number> {
  const { results, inputs } = options;
  let expired = 0;
  for (const key of keys) {
    const lost = await readyAt(key, options);
    const [first] = lost;
    if (!first) continue;
    const { id, variant, version, sameAs: form = variant } = first;
    if (await results.head(id, form, version + (await inputs.marks(form)))) continue;
    expired += await expire(lost, options, why);
  }
  return expired;
}

/**
 * Removes results, each of which is written down as expired before: whoever is killed in between leaves one that is there
 * and is made out to be when somebody asks, and none that is said to be there and is not.
 */
export async function removeExpired(
  keys: readonly string[],
  remove: () => Promise<void>,
  options: ExpiryOptions,
): Promise<void> {
  await expireAll(keys, options, { error: EVICTED });
  await remove();
  // Found there meanwhile by a warmer, and ready again.
  await followExpiry(keys, options, { error: EVICTED });
}

/** Writes down that results are gone, or will be in a moment, without a look at what lies there. */
export async function expireAll(
  keys: readonly string[],
  options: Pick<ExpiryOptions, 'records' | 'results'>,
  why: Gone,
): Promise<void> {
  for (const key of keys) await expire(await readyAt(key, options), options, why);
}

/** The variants that are ready by the result at a key. */
async function readyAt(
  key: string,
  { records, results }: Pick<ExpiryOptions, 'records' | 'results'>,
): Promise<VariantRecord[]> {
  const place = results.variantAt(key);
  if (!place) return [];
  const { id, canonical: form } = place;
  const isOfIt = ({ status, variant, sameAs = variant }: VariantRecord) =>
    status === 'ready' && sameAs === form;
  return (await records.variants.list(id)).filter(isOfIt);
}

async function expire(
  lost: readonly VariantRecord[],
  { records }: Pick<ExpiryOptions, 'records'>,
  why: Gone,
): Promise<number> {
  const [first] = lost;
  if (!first) return 0;
  const change = toUpdate(['ready'], { status: 'expired', ...why });
  return (await records.variants.updateAll(first.id, lost.map(change))).filter(Boolean).length;
}
