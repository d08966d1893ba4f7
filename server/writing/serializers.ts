import type { Collection } from '../stores/collections.ts';
import type { VariantRecord } from '../stores/variants.ts';
import type { Asked, Counted, Described } from './library.ts';
import type { Urls } from './urls.ts';

/** What the management API says of a variant. */
function variantView({ id, variant, requested, status }: VariantRecord, urls: Urls, base: string) {
  return { variant, requested: requested?.at(-1) ?? null, url: urls.variant(base, id, variant), status };
}

/** What callers have asked for, as they wrote it: one address for each, and the forms of these variants that it leads to. */
function requestViews(variants: readonly VariantRecord[], urls: Urls, base: string) {
  const texts = [...new Set(variants.flatMap(({ requested = [] }) => requested))];
  return texts.map((text) => {
    const forms = variants.filter(({ requested }) => requested?.includes(text));
    const url = urls.requested(base, forms[0]?.id ?? '', text) ?? null;
    return { requested: text, url, variants: forms.map(({ variant }) => variant) };
  });
}

function variantStatus(record: VariantRecord, urls: Urls, base: string) {
  const { bytes = null, ms = null, attempts, error = null, expires = null } = record;
  return { ...variantView(record, urls, base), bytes, ms, attempts, error, expires };
}

/** Answer to an upload. */
export function uploadView({ record, variants }: Asked, urls: Urls, base: string) {
  const { id, status, title = null, description = null } = record;
  return {
    id,
    status,
    title,
    description,
    url: urls.image(base, id),
    statusUrl: urls.status(base, id),
    requests: requestViews(variants, urls, base),
    variants: variants.map((variant) => variantView(variant, urls, base)),
  };
}

export function statusView({ record, counts, variants, next }: Described, urls: Urls, base: string) {
  const { id, status, error = null } = record;
  return {
    id,
    status,
    error,
    ...counts,
    requests: requestViews(variants, urls, base),
    variants: variants.map((variant) => variantStatus(variant, urls, base)),
    next: next ?? null,
  };
}

/** A record without its variants, as lists show it. */
export function imageView({ record, counts }: Counted, urls: Urls, base: string) {
  const { id, status, title = null, description = null, collection = null, focal = null } = record;
  const { original, version = null, error = null, undelivered = null, vanishedAt = null } = record;
  const { createdAt, updatedAt, source } = record;
  return {
    id,
    status,
    title,
    description,
    collection,
    focal,
    url: urls.image(base, id),
    statusUrl: urls.status(base, id),
    original: original ?? null,
    version,
    error,
    undelivered,
    vanishedAt,
    ...counts,
    source: source
      ? { url: source.url, checkedAt: source.checkedAt ?? null, error: source.error ?? null }
      : null,
    createdAt,
    updatedAt,
  };
}

export function describedView({ record, counts, variants, next }: Described, urls: Urls, base: string) {
  return {
    ...imageView({ record, counts }, urls, base),
    requests: requestViews(variants, urls, base),
    variants: variants.map((variant) => variantStatus(variant, urls, base)),
    next: next ?? null,
  };
}

export function collectionView({ description, ...collection }: Collection) {
  return { ...collection, description: description ?? null };
}
