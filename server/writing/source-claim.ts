import type { ImageRecord, RemoteSource } from '../stores/images.ts';
import type { Records } from '../stores/stores.ts';
import { buryIf, updateWithRetry } from '../stores/update-record.ts';
import type { WarmSets } from '../warming/warm-set.ts';
import { isFor, type Purpose } from './fetched-originals.ts';
import type { Intents } from './intents.ts';
import { owing } from './owing.ts';
import type { Reconciler } from './reconciler.ts';
import { taken } from './repeats.ts';

export interface SourceClaimOptions {
  readonly records: Records;
  readonly warmSets: Pick<WarmSets, 'formsFor'>;
  readonly intents: Pick<Intents, 'trySettle'>;
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  readonly now: () => Date;
}

/** An id of a source, of which nothing is here yet. */
export interface Wanted {
  readonly id: string;
  readonly source: RemoteSource;
  /** Throws where the image is not wanted any more. */
  readonly check: () => Promise<void>;
}

/**
 * Makes a record that owes the original, and is ours for a while.
 *
 * @throws Problem `conflict` for an id that is somebody else's by now; what `check` throws, and then no record stays
 */
export async function claimOfSource(wanted: Wanted, options: SourceClaimOptions): Promise<Purpose> {
  const { id, source, check } = wanted;
  const { records, warmSets, intents, reconciler } = options;
  const owed = owing(undefined, { fetch: {}, warm: [...(await warmSets.formsFor(id))] });
  let record = await claim({ ...wanted, owed }, options);
  if (!record) {
    // Of an original that has gone, and whose event was lost or is still on its way.
    await reconciler.reconcile(id);
    record = await claim({ ...wanted, owed }, options);
  }
  if (!record) throw taken(id);
  const purpose = { record, source, isRuledBySource: true };
  // Only now does whoever deletes it find something to bury.
  await check().catch(async (error: unknown) => {
    await buryIf(records, id, owing(undefined, { delete: 'rest' }), isFor(purpose));
    await intents.trySettle(id);
    throw error;
  });
  return purpose;
}

/** Undefined for the record of an image that has an original, or awaits one from elsewhere. */
async function claim(
  { id, source, owed }: Wanted & Required<Pick<ImageRecord, 'owed'>>,
  { records, now }: SourceClaimOptions,
): Promise<Pick<ImageRecord, 'id' | 'createdAt'> | undefined> {
  const status = 'uploading' as const;
  const createdAt = now().toISOString();
  if (await records.images.create({ id, status, createdAt, source, owed })) return { id, createdAt };
  // Of a try that died, or failed, also at another address.
  const isOurs = ({ version, source, status }: ImageRecord) =>
    version === undefined && (source !== undefined || status === 'failed');
  const record = await updateWithRetry(records, id, (before) =>
    isOurs(before) ? { status, source, owed, error: undefined } : undefined,
  );
  return record && isOurs(record) ? record : undefined;
}
