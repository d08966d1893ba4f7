import { askBalancer, fixedAnswers } from './balancer.ts';
import { askBucket, bucketRights } from './bucket.ts';
import type { Distribution } from './distribution.ts';
import { Edge } from './edge.ts';
import type { Ask, OriginRequest } from './message.ts';
import { askOnce, askOrigin } from './origins.ts';
import { readDistribution } from './read-distribution.ts';
import { Stack } from './stack.ts';
import { functionsHere, type ViewerFunction } from './viewer-function.ts';

/** What stands behind the edge in truth. */
export interface Behind {
  /** Path-style address of the results bucket. */
  readonly bucket: string;
  /** Of a server; undefined: the balancer has no target. */
  readonly server: string | undefined;
}

export interface ChainOptions {
  /** A synthesised stage. */
  readonly file: string;
  /** Looked at for every request, so that a server may come and go. */
  readonly behind: (asked: OriginRequest, originId: string) => Behind;
  /** Beside those of the stage: signing keys, which are no part of it. */
  readonly values?: Readonly<Record<string, string>>;
  readonly viewerFunction?: ViewerFunction;
  /** Unix ms. */
  readonly now?: () => number;
  /** A distribution that differs from the stage's, as in shorter timeouts. */
  readonly alter?: (distribution: Distribution) => Distribution;
  /** Longest silence that the balancer bears; that of the stage when absent. */
  readonly idleSeconds?: number;
}

interface RawBalancer {
  idle_timeout: number;
}

/** Edge, balancer and bucket's rights as a stage has them, before what is really there. */
export function chain({ file, behind, ...options }: ChainOptions): {
  edge: Edge;
  distribution: Distribution;
} {
  const stack = new Stack(file);
  const rights = bucketRights(stack);
  const rules = fixedAnswers(stack);
  const { alter = (same: Distribution) => same, now = Date.now } = options;
  const { idleSeconds = stack.only<RawBalancer>('aws_lb').idle_timeout } = options;
  const distribution = alter(readDistribution(stack));
  const { viewerFunction = functionsHere({ ...distribution.values, ...options.values }) } = options;
  const ask: Ask = async (id, asked) => {
    const origin = distribution.origins.get(id);
    if (!origin) throw new Error(`There is no origin ${id}`);
    const { bucket, server } = behind(asked, id);
    if (origin.isBucket) return askBucket(rights, asked, (one) => askOrigin(origin, bucket, one));
    const place = server && { base: server, connectionSeconds: 10, readSeconds: idleSeconds };
    const forward = place ? (one: OriginRequest) => askOnce(place, one) : undefined;
    return withinSeconds(origin.readSeconds, askBalancer(rules, asked, forward));
  };
  return { edge: new Edge({ distribution, ask, viewerFunction, now }), distribution };
}

/** CloudFront waits less long for the balancer than the balancer for a server. */
async function withinSeconds<T>(seconds: number, work: Promise<T>): Promise<T | 'timeout'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), seconds * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
