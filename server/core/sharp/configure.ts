import sharp from 'sharp';

/**
 * Settings of libvips, which hold for a whole process; of every one that renders, and of what is measured against it.
 *
 * - One thread per picture and as many pictures as cores: full throughput at the lowest latency (docs/performance.md).
 *   Also for a picture that is alone: an AVIF of two threads has other bytes, and so another ETag, than one of one.
 * - No cache of operations: results have their own.
 * - No gain maps: they are not part of a result, and libvips would look for one through all of a large JPEG
 *   (1.3 ms of 2 MB).
 */
export function configureSharp(): void {
  sharp.concurrency(1);
  sharp.cache(false);
  sharp.block({ operation: ['VipsForeignLoadUhdr'] });
}
