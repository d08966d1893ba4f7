import { randomUUID } from 'node:crypto';
import { type CloudFrontClient, CreateInvalidationCommand } from '@aws-sdk/client-cloudfront';
import { idInUrl } from '../core/query/path.ts';

export type CdnAnswer =
  | { readonly status: 'not configured' }
  | { readonly status: 'invalidating'; readonly invalidation: string }
  | { readonly status: 'failed'; readonly error: string };

/** The cache in front of everything. */
export interface Cdn {
  /** Never rejects: the other tiers are clear whatever this one says. */
  invalidate(id: string): Promise<CdnAnswer>;
  /** Every picture; one path, as a single image costs three. */
  invalidateAll(): Promise<CdnAnswer>;
}

const notConfigured = async (): Promise<CdnAnswer> => ({ status: 'not configured' });

export const NO_CDN: Cdn = { invalidate: notConfigured, invalidateAll: notConfigured };

/**
 * As viewers ask (with and without a query) and as the edge function rewrites: CloudFront matches either.
 * `<id>*` would take along every image whose name goes on from here.
 */
export function invalidationPaths(id: string): string[] {
  // A star at the end would be a wildcard of its own, and take along the neighbours of the image.
  const path = `/img/${idInUrl(id).replaceAll('*', '%2A')}`;
  return [path, `${path}?*`, `${path}/*`];
}

export class CloudFrontCdn implements Cdn {
  readonly #client: CloudFrontClient;
  readonly #distribution: string;

  /** @param client  ready; needs cloudfront:CreateInvalidation */
  constructor(client: CloudFrontClient, distribution: string) {
    this.#client = client;
    this.#distribution = distribution;
  }

  invalidate(id: string): Promise<CdnAnswer> {
    return this.#send(invalidationPaths(id));
  }

  invalidateAll(): Promise<CdnAnswer> {
    return this.#send(['/img/*']);
  }

  async #send(paths: string[]): Promise<CdnAnswer> {
    const batch = { Paths: { Items: paths, Quantity: paths.length }, CallerReference: randomUUID() };
    const input = { DistributionId: this.#distribution, InvalidationBatch: batch };
    try {
      const { Invalidation } = await this.#client.send(new CreateInvalidationCommand(input));
      return { status: 'invalidating', invalidation: Invalidation?.Id ?? '' };
    } catch (error) {
      return { status: 'failed', error: error instanceof Error ? error.name : 'unknown' };
    }
  }
}
