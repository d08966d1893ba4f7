import type { Config } from '../config/settings.ts';
import { configureSharp } from '../core/sharp/configure.ts';
import { cacheControl } from '../http/image-headers.ts';
import { epochsInBucket } from '../reading/epoch.ts';
import { Inputs } from '../reading/inputs.ts';
import { Originals } from '../reading/originals.ts';
import { Renderer } from '../reading/renderer.ts';
import { Results } from '../reading/results.ts';
import { SvgSandbox } from '../sandbox/svg.ts';
import { Admission } from '../shared/admission.ts';
import type { Stores } from '../stores/contracts.ts';

/** The use cases of a process over its stores; server and warmer share them. */
export interface Core {
  readonly originals: Originals;
  readonly inputs: Inputs;
  readonly results: Results;
  readonly renderer: Renderer;
  readonly sandbox: SvgSandbox;
  readonly admissions: { readonly render: Admission; readonly fetch: Admission };
}

export function composeCore(config: Config, stores: Stores): Core {
  configureSharp();
  const fetch = new Admission(
    { slots: config.fetchSlots, bytes: config.maxSourceBytes * 8, maxWaitMs: config.queueMs, name: 'reads' },
    monotonic,
  );
  const { renderSlots: slots, renderMemoryBytes: bytes, queueMs: maxWaitMs } = config;
  const render = new Admission({ slots, bytes, maxWaitMs, name: 'renders' }, monotonic);
  const originals = new Originals({
    objects: stores.originals,
    records: stores.records,
    admission: fetch,
    versionMs: config.versionSeconds * 1000,
    maxBytes: config.maxSourceBytes,
    keepBytes: config.originalsBytes,
    now: monotonic,
  });
  const sandbox = new SvgSandbox({ deadlineMs: config.svgMs, maxResidentBytes: SVG_RESIDENT_BYTES });
  const renderer = new Renderer({
    originals,
    watermarks: config.watermarks,
    limits: { maxPixels: config.maxSourcePixels, maxFrames: config.maxFrames },
    deadlineMs: config.deadlineMs,
    allowMetaKeep: config.allowMetaKeep,
    admission: render,
    sandbox,
    now: monotonic,
  });
  const results = new Results(stores.results, cacheControl({}, '', config, 0), epochsInBucket(config));
  const inputs = new Inputs(originals, config.watermarks);
  return { originals, inputs, results, renderer, sandbox, admissions: { render, fetch } };
}

export const monotonic = (): number => performance.now();

/** SVGs are small files that can ask for anything: this is a dozen times what a large drawing takes. */
export const SVG_RESIDENT_BYTES = 768 * 2 ** 20;
