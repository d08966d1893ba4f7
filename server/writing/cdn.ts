import { randomUUID } from 'node:crypto';
import type { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { idInUrl } from '../core/query/path.ts';

/** The cache in front of everything. */
export interface Cdn {
  /**
   * Resolves once the cache has taken the order to forget all of these paths; rejects when it has taken none.
   *
   * @param paths  at most MAX_WILDCARDS of them with a star at the end
   */
  invalidate(paths: readonly string[]): Promise<void>;
}

/** Paths with a star that CloudFront has in progress at a time, of all orders together. */
export const MAX_WILDCARDS = 15;

/** Every picture. */
export const EVERYTHING = '/img/*';

/**
 * The fewest paths that leave nothing of an image behind. What lies at the edge is known to nobody: variants that no
 * record has, `?v=` and `?dl=` of each. So it is a wildcard; of the first form two, since `<id>*` would take along
 * every image whose name goes on from here.
 *
 * @param isAlone  whether no other image has a name that begins like this one
 */
export function invalidationPaths(id: string, isAlone: boolean): string[] {
  // A star at the end would be a wildcard of its own, and take along the neighbours of the image.
  const path = `/img/${idInUrl(id).replaceAll('*', '%2A')}`;
  return isAlone ? [`${path}*`] : [path, `${path}?*`, `${path}/*`];
}

export class CloudFrontCdn implements Cdn {
  readonly #client: CloudFrontClient;
  readonly #distribution: string;

  /** @param client  ready; needs cloudfront:CreateInvalidation */
  constructor(client: CloudFrontClient, distribution: string) {
    this.#client = client;
    this.#distribution = distribution;
  }

  async invalidate(paths: readonly string[]): Promise<void> {
    const batch = { Paths: { Items: [...paths], Quantity: paths.length }, CallerReference: randomUUID() };
    const input = { DistributionId: this.#distribution, InvalidationBatch: batch };
    // Loaded by whoever made the client; here it would be a tenth of the start where there is none.
    const { CreateInvalidationCommand } = await import('@aws-sdk/client-cloudfront');
    await this.#client.send(new CreateInvalidationCommand(input));
  }
}
