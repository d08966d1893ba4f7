import { versionOf } from '../reading/versions.ts';
import type { ImageRecord, ImageStatus, VariantRecord } from '../stores/contracts.ts';

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

export function isFinished({ status }: Pick<ImageRecord, 'status'>): boolean {
  return status === 'completed' || status === 'partial' || status === 'failed';
}

/** The variants of these names, in their order. */
export function named(variants: readonly VariantRecord[], names: readonly string[]): VariantRecord[] {
  return names.flatMap((name) => variants.find(({ variant }) => variant === name) ?? []);
}
