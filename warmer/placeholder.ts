import { readTransformation } from '../server/core/operations/transformation.ts';
import type { Results } from '../server/reading/results.ts';
import type { VariantRecord } from '../server/stores/variants.ts';

export interface Placeholder {
  /** Base64 ThumbHash. */
  readonly placeholder: string;
  /** `#rrggbb` */
  readonly color: string;
}

/** Parameters that leave the whole picture in its own colours. */
const WHOLE = new Set('w h fmt q lossless progressive chroma effort mb meta anim icc'.split(' '));
/** Below this a result is too small to see its colours. */
const LEAST_BYTES = 1500;

/**
 * Placeholder and colour of an image, from the smallest of its results that shows it whole: from the original
 * they would cost half a render (docs/performance.md).
 *
 * @returns undefined when there is no result to take them from
 */
export async function placeholderOf(
  results: Results,
  id: string,
  variants: readonly VariantRecord[],
): Promise<Placeholder | undefined> {
  const chosen = choose(variants);
  const result = chosen && (await results.get(id, chosen.sameAs ?? chosen.variant, chosen.version));
  if (!result) return undefined;
  // Not at every start: most originals bring their placeholder along.
  const [{ default: sharp }, { toRaw }, { placeholder }] = await Promise.all([
    import('sharp'),
    import('../server/core/render/pipeline.ts'),
    import('../server/core/render/placeholder.ts'),
  ]);
  const image = sharp(result.bytes);
  const raw = await toRaw(image, await image.metadata(), { timeoutSeconds: 10 });
  const [hash, color] = await Promise.all([placeholder('thumbhash', raw), placeholder('color', raw)]);
  return { placeholder: hash, color };
}

function choose(variants: readonly VariantRecord[]): VariantRecord | undefined {
  const pictures = variants
    .filter(({ status, variant }) => status === 'ready' && readTransformation(variant).ph === undefined)
    .sort((a, b) => (a.bytes ?? 0) - (b.bytes ?? 0));
  const whole = pictures.filter(({ variant }) =>
    Object.keys(readTransformation(variant)).every((key) => WHOLE.has(key)),
  );
  const candidates = whole.length ? whole : pictures;
  return candidates.find(({ bytes = 0 }) => bytes >= LEAST_BYTES) ?? candidates.at(-1);
}
