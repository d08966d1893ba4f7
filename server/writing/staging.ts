import { STAGED } from '../core/query/id.ts';
import type { Objects } from '../stores/objects.ts';

/** Removes staged bytes whose server was killed; resolves to how many there were. */
export async function removeStaged(originals: Objects, before: Date): Promise<number> {
  if (originals.isReadOnly) return 0;
  const { items } = await originals.list({ prefix: STAGED, limit: 1000 });
  const old = items.filter(({ lastModified }) => lastModified < before).map(({ key }) => key);
  await originals.remove(old);
  return old.length;
}
