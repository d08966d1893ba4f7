import { hash } from 'node:crypto';
import { crc32Of } from '../stores/checksum.ts';
import type { StoredFacts } from '../stores/objects.ts';
import type { StoredResult } from './result.ts';

/** Names of the metadata that a stored result carries. */
export const META = {
  version: 'original-version',
  modified: 'modified',
  epoch: 'pipeline',
  width: 'width',
  height: 'height',
  warning: 'warning',
  checksum: 'crc32',
  upgrade: 'upgrade',
} as const;

const MD5 = /^[0-9a-f]{32}$/;

/** Whether bytes are those that were written; of results that were stored without a checksum their ETag says it. */
export function isWhole(bytes: Buffer, { size, etag, metadata }: StoredFacts): boolean {
  if (bytes.length !== size) return false;
  const checksum = metadata[META.checksum];
  if (checksum !== undefined) return checksum === crc32Of(bytes);
  return !MD5.test(etag) || etag === hash('md5', bytes, 'hex');
}

export function factsFrom(id: string, canonical: string, stored: StoredFacts): StoredResult {
  const { metadata } = stored;
  const side = (name: string) => (metadata[name] ? Number(metadata[name]) : undefined);
  return {
    id,
    canonical,
    contentType: stored.contentType ?? 'application/octet-stream',
    etag: stored.etag,
    size: stored.size,
    storedAt: stored.lastModified,
    lastModified: new Date(metadata[META.modified] ?? stored.lastModified),
    version: metadata[META.version] ?? '',
    width: side(META.width),
    height: side(META.height),
    warnings: metadata[META.warning]?.split(',') ?? [],
    isUpgradable: metadata[META.upgrade] !== undefined,
  };
}
