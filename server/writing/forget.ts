import type { Records } from '../stores/stores.ts';
import type { VariantRecord } from '../stores/variants.ts';
import type { Purge } from './purge.ts';

const formOf = ({ variant, sameAs = variant }: VariantRecord): string => sameAs;

/**
 * Takes variants away: their records, and what is stored of them unless another variant is served from the same result.
 * May be repeated.
 */
export async function forgetVariants(
  id: string,
  variants: readonly string[],
  { records, purge }: { readonly records: Pick<Records, 'variants'>; readonly purge: Purge },
): Promise<void> {
  const items = await records.variants.list(id);
  const isNamed = ({ variant }: VariantRecord) => variants.includes(variant);
  const used = items.filter((one) => !isNamed(one)).map(formOf);
  const all = new Set([...variants, ...items.filter(isNamed).map(formOf)]);
  const forms = [...all].filter((form) => !used.includes(form));
  // Nothing tells of these any more once the records are gone.
  const shared = forms.filter((form) => !variants.includes(form));
  if (shared.length > 0) await purge.clearVariants(id, shared);
  // The records before the results: a warmer that is at work on one finds it gone, and takes its result back.
  await records.variants.remove(id, variants);
  await purge.clearVariants(id, forms);
}
