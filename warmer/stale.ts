import type { Results } from '../server/reading/results.ts';
import type { Records } from '../server/stores/stores.ts';
import type { WarmJob } from '../server/warming/jobs.ts';
import { currentVersion, toUpdate } from '../server/warming/queue.ts';
import type { Intents } from '../server/writing/intents.ts';

const SKIPPED = { status: 'skipped', error: 'The original was changed or deleted meanwhile.' } as const;

export interface StaleOptions {
  readonly records: Records;
  readonly results: Results;
  readonly intents: Intents;
}

/**
 * Ends a job whose version is not that of the image any more. Nothing of it stays: no results, not even those of
 * a warmer that was killed before it could look again, and no variants that wait for ever. Where the record
 * knows the newer version, what is still open is asked for under that one.
 *
 * @returns how many variants were skipped
 */
export async function endStale({ id, version, variants }: WarmJob, options: StaleOptions): Promise<number> {
  const { records, results, intents } = options;
  for (const variant of variants) await results.removeOld(id, variant, version);
  const record = await records.images.get(id);
  const current = record && currentVersion(record);
  if (current !== undefined && current !== version) {
    const items = await records.variants.list(id);
    const open = items.filter(
      (entry) => entry.version === version && (entry.status === 'queued' || entry.status === 'rendering'),
    );
    const named = open.map(({ variant }) => variant).filter((variant) => variants.includes(variant));
    if (named.length) await intents.ask(id, { warm: named });
    return 0;
  }
  const updates = variants
    .map((variant) => ({ variant, version }))
    .map(toUpdate(['queued', 'rendering'], SKIPPED));
  return (await records.variants.updateAll(id, updates)).filter(Boolean).length;
}
