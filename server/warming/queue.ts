import { versionOf } from '../reading/identity.ts';
import type { ImageRecord, ImageStatus } from '../stores/images.ts';
import type { VariantChange, VariantRecord, VariantStatus, VariantUpdate } from '../stores/variants.ts';

/** Variants that are told of at a time: an answer, an event and a notification have room for so many. */
export const VARIANTS_PAGE = 100;

/** What the variants of an image come to, once its original is there. */
export function rollUpStatus(variants: readonly VariantRecord[]): ImageStatus {
  const count = (...statuses: VariantRecord['status'][]) =>
    variants.filter(({ status }) => statuses.includes(status)).length;
  if (count('queued', 'rendering') > 0) return 'processing';
  const failed = count('failed');
  if (failed === 0) return 'completed';
  return failed === variants.length ? 'failed' : 'partial';
}

/** Version that variants and results of an image are of; undefined while nothing is stored. */
export function currentVersion({ version, generation }: ImageRecord): string | undefined {
  return version === undefined ? undefined : versionOf(version, generation);
}

/** Whether the bytes are still to come: until then an image owes nothing that could be done. */
export function isAwaited({ status }: ImageRecord): boolean {
  return status === 'uploading';
}

/** Whether all that is made of an image now is what we make again by ourselves: nobody is told of that. */
export function isQuiet(record: ImageRecord): boolean {
  return record.quiet !== undefined && record.quiet === currentVersion(record);
}

export function isFinished({ status }: Pick<ImageRecord, 'status'>): boolean {
  return status === 'completed' || status === 'partial' || status === 'failed';
}

/** The variants of these names, in their order. */
export function named(variants: readonly VariantRecord[], names: readonly string[]): VariantRecord[] {
  return names.flatMap((name) => variants.find(({ variant }) => variant === name) ?? []);
}

/** The same change of many variants, each of the version that it is of. */
export function toUpdate(from: readonly VariantStatus[], change: VariantChange) {
  return ({ variant, version }: Pick<VariantRecord, 'variant' | 'version'>): VariantUpdate => ({
    variant,
    version,
    from,
    change,
  });
}
