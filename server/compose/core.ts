import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { cacheControl } from '../http/image-headers.ts';
import { epochsInBucket } from '../reading/epoch.ts';
import { Haste } from '../reading/haste.ts';
import { Inputs } from '../reading/inputs.ts';
import { Masters } from '../reading/masters.ts';
import { Originals } from '../reading/originals.ts';
import { Renderer } from '../reading/renderer.ts';
import { Results } from '../reading/results.ts';
import { Admission } from '../shared/admission.ts';
import type { WaitLimits } from '../shared/congestion.ts';
import type { Stores } from '../stores/stores.ts';
import type { Rendering } from './rendering.ts';

/** The use cases of a process over its stores; server and warmer share them. */
export interface Core {
  readonly originals: Originals;
  readonly masters: Masters;
  readonly inputs: Inputs;
  readonly results: Results;
  readonly renderer: Renderer;
  readonly haste: Haste;
  readonly rendering: Rendering;
  readonly admissions: { readonly render: Admission; readonly fetch: Admission; readonly room: Admission };
}

/** Times QUEUE_MS that those may wait who come at once. */
const BURST = 10;
/** Of the time of a request; the rest is for the render itself. */
const WAITING_SHARE = 2 / 3;

const waitsOf = ({ queueMs, deadlineMs }: Config): WaitLimits => ({
  maxWaitMs: queueMs,
  burstWaitMs: Math.min(BURST * queueMs, Math.floor(deadlineMs * WAITING_SHARE)),
});

/** Expected waits above which less is spent on a picture. */
const hasteLimits = ({ degrade, queueMs }: Config) =>
  degrade === 'on'
    ? { encoderMs: queueMs / 4, formatMs: queueMs }
    : { encoderMs: Number.POSITIVE_INFINITY, formatMs: Number.POSITIVE_INFINITY };

export function composeCore(config: Config, stores: Stores, rendering: Rendering, log: Logger): Core {
  const { pool, scratch } = rendering;
  const waits = waitsOf(config);
  const fetch = new Admission(
    { slots: config.fetchSlots, bytes: config.maxSourceBytes * 8, ...waits, name: 'reads' },
    monotonic,
  );
  const { renderSlots: slots, renderMemoryBytes: bytes } = config;
  // A drawing can take a thousand times its price: half of the slots are never taken by drawings.
  const half = Math.max(1, Math.floor(slots / 2));
  const kindSlots = { svg: half, mark: half };
  const render = new Admission({ slots, bytes, ...waits, kindSlots, name: 'renders' }, monotonic);
  const room = new Admission(
    {
      slots: Number.POSITIVE_INFINITY,
      bytes: config.scratchBytes,
      ...waits,
      name: 'room for originals',
    },
    monotonic,
  );
  const limits = { maxPixels: config.maxSourcePixels, maxFrames: config.maxFrames };
  const masters = new Masters({
    ...stores,
    pool,
    admission: render,
    scratch,
    limits,
    deadlineMs: config.deadlineMs,
    maxPriceBytes: bytes,
    isOn: config.heic === 'on',
    now: monotonic,
    onStoreFailure: (err, id) => log.warn({ err, id }, 'the master of a HEIC was not read or stored'),
  });
  const originals = new Originals({
    masters,
    objects: stores.originals,
    records: stores.records,
    admission: fetch,
    room,
    roomMs: Number.isFinite(config.queueMs) ? waits.burstWaitMs : undefined,
    versionMs: config.versionSeconds * 1000,
    outageMs: config.outageSeconds * 1000,
    lookupMs: config.lookupMs,
    maxBytes: config.maxSourceBytes,
    scratch,
    keepBytes: config.originalsBytes,
    now: monotonic,
  });
  const renderer = new Renderer({
    originals,
    watermarks: config.watermarks,
    limits,
    deadlineMs: config.deadlineMs,
    drawingMs: config.svgMs,
    allowMetaKeep: config.allowMetaKeep,
    admission: render,
    pool,
    now: monotonic,
  });
  const results = new Results(stores.results, cacheControl({}, '', config, 0), epochsInBucket(config));
  const inputs = new Inputs(originals, config.watermarks);
  const haste = new Haste({ admission: render, ...hasteLimits(config), now: monotonic });
  return {
    originals,
    masters,
    inputs,
    results,
    renderer,
    haste,
    rendering,
    admissions: { render, fetch, room },
  };
}

export const monotonic = (): number => performance.now();
