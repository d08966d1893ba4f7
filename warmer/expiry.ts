import type { Inputs } from '../server/reading/inputs.ts';
import type { Results } from '../server/reading/results.ts';
import type { Records, VariantRecord } from '../server/stores/contracts.ts';
import { toUpdate } from '../server/warming/queue.ts';

export interface ExpiryOptions {
  readonly records: Pick<Records, 'variants'>;
  readonly results: Pick<Results, 'variantAt' | 'head'>;
  readonly inputs: Pick<Inputs, 'marks'>;
}

/**
 * Writes down that results are gone, which their bucket has told of. An event may be late: what was made anew meanwhile
 * is ready.
 *
 * @param keys  of the results bucket
 * @returns     how many variants have expired by this
 */
export async function followExpiry(
  keys: readonly string[],
  { records, results, inputs }: ExpiryOptions,
): Promise<number> {
  let expired = 0;
  for (const key of keys) {
    const place = results.variantAt(key);
    if (!place) continue;
    const { id, canonical: form } = place;
    const isOfIt = ({ status, variant, sameAs = variant }: VariantRecord) =>
      status === 'ready' && sameAs === form;
    const lost = (await records.variants.list(id)).filter(isOfIt);
    const [first] = lost;
    if (!first || (await results.head(id, form, first.version + (await inputs.marks(form))))) continue;
    const told = await records.variants.updateAll(id, lost.map(toUpdate(['ready'], { status: 'expired' })));
    expired += told.filter(Boolean).length;
  }
  return expired;
}
