import type { Config } from '../config/settings.ts';
import type { Objects } from '../stores/objects.ts';

/**
 * A name that was mistyped would be found out by the first missing picture, and by nobody who looks. A store that does
 * not answer proves nothing.
 *
 * @throws Error that names the setting
 */
export async function checkFallback(
  { fallbackImage: id }: Pick<Config, 'fallbackImage'>,
  originals: Pick<Objects, 'head'>,
): Promise<void> {
  if (id === undefined) return;
  const answer = await originals.head(id).catch(() => null);
  if (answer === undefined)
    throw new Error(`FALLBACK_IMAGE="${id}": there is no such original (docs/settings.md#fallback_image)`);
}
