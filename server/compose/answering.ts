import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { readQuery } from '../core/operations/transformation.ts';
import type { AppDeps } from '../http/app.ts';
import { HitLog } from '../http/hit-log.ts';
import { HitPath } from '../http/hit-path.ts';
import { Overload } from '../http/overload.ts';
import { PictureMetrics } from '../http/picture-metrics.ts';
import { Access } from '../reading/access.ts';
import { epochsAtEdge } from '../reading/epoch.ts';
import { memoize } from '../shared/memoize.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { type Core, monotonic } from './core.ts';
import type { Reading } from './reading.ts';

const unixSeconds = (): number => Date.now() / 1000;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Takes over a sane X-Request-Id, so that one id follows a request through CloudFront and logs; else makes one. */
function requestIds(): (request: Pick<IncomingMessage, 'headers'>) => string {
  const prefix = randomBytes(6).toString('base64url');
  let count = 0;
  return ({ headers }) => {
    const header = headers['x-request-id'];
    if (typeof header === 'string' && REQUEST_ID.test(header)) return header;
    count += 1;
    return `${prefix}-${count.toString(36)}`;
  };
}

/** Query strings whose meaning is kept; of 1 KB at most. */
const QUERIES = 2000;

interface Watching {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}

/** Who answers requests for pictures: the path of hits, that of refusals, and the route for all others. */
export function composeAnswering(
  config: Config,
  core: Core,
  reading: Reading,
  { log, metrics, tracing }: Watching,
): Pick<AppDeps, 'requestId' | 'pictures' | 'hitLog' | 'hitPath' | 'overload' | 'image'> {
  const requestId = requestIds();
  const pictures = new PictureMetrics(metrics);
  const hitLog = new HitLog({ log, metrics: pictures, mode: config.logHits });
  const shared = { requestId, tracing, now: monotonic };
  const { memory, images, uses } = reading;
  const hitPath = new HitPath({
    ...shared,
    memory,
    inputs: core.inputs,
    stored: (variant, identity) => images.findAtOnce(variant, identity),
    uses,
    settings: config,
    onHit: (hit) => hitLog.add(hit),
  });
  const refusal = () => core.admissions.render.refusal();
  const overload = new Overload({ ...shared, log, metrics: pictures, refusal });
  const image = imageOptions(config, core, reading, { hitPath, overload });
  return { requestId, pictures, hitLog, hitPath, overload, image };
}

function imageOptions(
  config: Config,
  { originals, renderer }: Core,
  { images, demand }: Reading,
  paths: { hitPath: HitPath; overload: Overload },
): AppDeps['image'] {
  const { presets, ignoredParameters, deadlineMs, fallbackImage } = config;
  return {
    ...paths,
    images,
    originals,
    renderer,
    access: new Access(config, unixSeconds),
    demand,
    presets,
    readQuery: memoize((query) => readQuery(query, presets, ignoredParameters), QUERIES),
    settings: config,
    epochs: epochsAtEdge(config),
    deadlineMs,
    fallbackImage,
    now: unixSeconds,
  };
}
