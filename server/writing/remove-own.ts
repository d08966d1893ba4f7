import { clearMasters } from '../reading/masters.ts';
import type { Stores } from '../stores/stores.ts';

/** Removes an object if it is still the one that we put, and what was decoded of it for renders. */
export async function removeOwn(
  { originals, results }: Pick<Stores, 'originals' | 'results'>,
  id: string,
  etag: string,
): Promise<void> {
  if ((await originals.head(id))?.etag === etag) await originals.remove([id]);
  // Afterwards, as with every original that goes: those of what is there by now stay.
  await clearMasters(results, id, (await originals.head(id))?.etag);
}
