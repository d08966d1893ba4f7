import type { Collection, ImageRecord, VariantRecord } from '../stores/contracts.ts';
import type { Described } from './library.ts';
import type { Urls } from './urls.ts';

/** What the management API says of a variant. */
function variantView({ id, variant, status }: VariantRecord, urls: Urls, base: string) {
  return { variant, url: urls.variant(base, id, variant), status };
}

function variantStatus(record: VariantRecord, urls: Urls, base: string) {
  const { bytes = null, ms = null, attempts, error = null, expires = null } = record;
  return { ...variantView(record, urls, base), bytes, ms, attempts, error, expires };
}

/** Answer to an upload. */
export function uploadView({ record, variants }: Described, urls: Urls, base: string) {
  const { id, status, title = null, description = null } = record;
  return {
    id,
    status,
    title,
    description,
    url: urls.image(base, id),
    statusUrl: urls.status(base, id),
    variants: variants.map((variant) => variantView(variant, urls, base)),
  };
}

export function statusView({ record, variants, next }: Described, urls: Urls, base: string) {
  const { id, status, error = null } = record;
  return {
    id,
    status,
    error,
    variants: variants.map((variant) => variantStatus(variant, urls, base)),
    next: next ?? null,
  };
}

/** A record without its variants, as lists show it. */
export function imageView(record: ImageRecord, urls: Urls, base: string) {
  const { id, status, title = null, description = null, collection = null, focal = null } = record;
  const { original, version = null, error = null, undelivered = null, createdAt, updatedAt } = record;
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
    createdAt,
    updatedAt,
  };
}

export function describedView({ record, variants, next }: Described, urls: Urls, base: string) {
  return {
    ...imageView(record, urls, base),
    variants: variants.map((variant) => variantStatus(variant, urls, base)),
    next: next ?? null,
  };
}

export function collectionView({ description, ...collection }: Collection) {
  return { ...collection, description: description ?? null };
}
