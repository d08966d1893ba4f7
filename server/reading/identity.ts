import type { Point } from '../core/geometry/geometry.ts';
import type { ImageRecord } from '../stores/images.ts';

/** An original as it stands now. */
export interface Identity {
  /** Changes when the bytes do, and when the image was purged. */
  readonly version: string;
  readonly lastModified: Date;
  readonly size: number;
  readonly focal: Point | undefined;
  /** SHA-256 of the bytes in hex, where they were uploaded through us. */
  readonly digest?: string | undefined;
  /** Changes when results of this version were replaced by smaller ones. */
  readonly upgraded?: number | undefined;
  /** The stores did not say so in time: it is what they said last, or what they say without a record. */
  readonly isStale?: boolean;
}

/** Of an original that is damaged: what was made of it is still good. */
export function recordedIdentity(record: ImageRecord | undefined): Identity | undefined {
  if (record?.version === undefined) return undefined;
  const { version, generation, updatedAt, original, focal, upgraded } = record;
  const lastModified = new Date(updatedAt);
  return {
    version: versionOf(version, generation),
    lastModified,
    size: original?.bytes ?? 0,
    focal,
    upgraded,
  };
}

const GENERATION = '.';

/** Of an original whose record could not be read. */
export const ANY = '*';

/** A purge of unchanged bytes counts the generation up, so that every server sees another version. */
export function versionOf(etag: string, generation: number | string | undefined): string {
  return generation ? `${etag}${GENERATION}${generation}` : etag;
}

/** The version of other bytes that were purged as often. */
export const withEtag = (version: string, etag: string): string =>
  versionOf(etag, version.split(GENERATION)[1]);

/** The ETag of the bytes that a version is of. */
export const etagOf = (version: string): string => version.replace(/\.(?:\d+|\*)$/, '');

/** Whether a version says nothing of purges: what is made of it is neither kept nor cached. */
export const isWithoutRecord = (version: string): boolean => version.includes(GENERATION + ANY);

/** Whether something of version `there` will do for `version`, which may be without its record. */
export function isOfVersion(there: string | undefined, version: string): boolean {
  if (there === undefined || !isWithoutRecord(version)) return there === version;
  return there.replace(/(?:\.\d+)?(?=\+|$)/, GENERATION + ANY) === version;
}
