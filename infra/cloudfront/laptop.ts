import { chain } from './chain.ts';
import type { Distribution } from './distribution.ts';
import type { Edge } from './edge.ts';
import { listenForInvalidations, listenForViewers } from './listen.ts';
import { BUCKETS, type Programs, startBuckets, startPrograms } from './programs.ts';
import { Stack } from './stack.ts';
import type { ViewerFunction } from './viewer-function.ts';

export interface LaptopOptions {
  /** A synthesised stage. */
  readonly file: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly values?: Readonly<Record<string, string>>;
  readonly viewerFunction?: ViewerFunction;
  readonly environment?: Readonly<Record<string, string>>;
  /** See ChainOptions. */
  readonly alter?: (distribution: Distribution) => Distribution;
  readonly idleSeconds?: number;
}

export interface Laptop {
  /** Where viewers come in. */
  readonly base: string;
  readonly edge: Edge;
  /** Of the emulated buckets. */
  readonly endpoint: string;
  readonly programs: Programs;
  stop(): Promise<void>;
}

/** A whole stage on one machine: the edge before real programs and emulated buckets. */
export async function startLaptop({
  file,
  port,
  environment = {},
  ...options
}: LaptopOptions): Promise<Laptop> {
  const buckets = await startBuckets();
  let server: string | undefined;
  const bucket = `${buckets.endpoint}/${BUCKETS.results}`;
  const { edge } = chain({ file, behind: () => ({ server, bucket }), ...options });
  const front = await listenForViewers(edge, port);
  const api = await listenForInvalidations(edge);
  const programs = await startPrograms({
    stack: new Stack(file),
    endpoint: buckets.endpoint,
    publicUrl: front.base,
    invalidations: api.base,
    environment,
  });
  server = programs.server;
  const stop = async () => {
    front.close();
    api.close();
    await programs.stop();
    await buckets.stop();
  };
  return { base: front.base, edge, endpoint: buckets.endpoint, programs, stop };
}
