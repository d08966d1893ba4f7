import { hash } from 'node:crypto';
import type { Rendered } from '../core/render/types.ts';
import { isSetBack } from '../shared/set-back.ts';

/** The encoded bytes of a variant, with what must be known to serve them. */
export interface Result {
  readonly id: string;
  /** Canonical form, format resolved. */
  readonly canonical: string;
  /** Canonical form that alone is stored, where it is another one that has the same bytes. */
  readonly storedAs?: string | undefined;
  readonly bytes: Buffer;
  readonly contentType: string;
  /** MD5 of the bytes in hex, so that S3 and the server agree. */
  readonly etag: string;
  /** When it was rendered, or its original written where that is later by another clock; whole seconds. */
  readonly lastModified: Date;
  /** Of all that it was made of, see Inputs. */
  readonly version: string;
  /** px; undefined for placeholders. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly warnings: readonly string[];
  /** Made while somebody waited: a smaller one may take its place, see Upgrades. */
  readonly isUpgradable?: boolean;
  /** Made in haste, because too much waited: kept nowhere, and cached for moments. */
  readonly isDegraded?: boolean;
}

/** A result without its bytes, as HEAD and conditional requests need it. */
export type ResultFacts = Omit<Result, 'bytes'> & { readonly size: number };

/** What lies in the bucket. */
export type StoredResult = ResultFacts & { readonly storedAt: Date };

export const factsOf = ({ bytes, ...facts }: Result): ResultFacts => ({ ...facts, size: bytes.length });

/** What is known of the original that a result is made of; the version is that of all inputs. */
export interface OriginalVersion {
  readonly version: string;
  readonly lastModified: Date;
}

/**
 * A focal point or another pipeline makes new bytes of an old original, so its own date would tell a client
 * that keeps nothing but dates that nothing has changed. So would a date that is still to come, which a file may have,
 * of whatever takes its place until then.
 */
function modifiedNow({ lastModified }: OriginalVersion): Date {
  const [written, now] = [lastModified.getTime(), Date.now()];
  const modified = isSetBack(written, now) ? now : Math.max(written, now);
  return new Date(Math.floor(modified / 1000) * 1000);
}

export function resultOf(
  id: string,
  canonical: string,
  original: OriginalVersion,
  rendered: Rendered,
): Result {
  return {
    id,
    canonical,
    bytes: rendered.bytes,
    contentType: rendered.contentType,
    etag: hash('md5', rendered.bytes, 'hex'),
    lastModified: modifiedNow(original),
    version: original.version,
    width: rendered.size?.width,
    height: rendered.size?.height,
    warnings: rendered.warnings,
  };
}
