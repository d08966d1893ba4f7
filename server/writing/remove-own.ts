import type { Objects } from '../stores/contracts.ts';

/** Removes an object if it is still the one that we put. */
export async function removeOwn(originals: Objects, id: string, etag: string): Promise<void> {
  if ((await originals.head(id))?.etag === etag) await originals.remove([id]);
}
