import type { FastifyInstance, FastifyRequest } from 'fastify';
import { autoQuality, type PREDICTED, type Probe } from '../core/plan/auto-quality.ts';
import type { EncoderSettings } from '../core/plan/formats.ts';
import { passesOf } from '../core/plan/passes.ts';
import type { Plan } from '../core/plan/plan.ts';
import { codecQuality } from '../core/plan/quality.ts';
import { idInUrl } from '../core/query/path.ts';
import type { Originals } from '../reading/originals.ts';
import { isProblem, problemBody } from '../shared/errors.ts';
import { unlessAborted } from '../shared/single-flight.ts';
import type { ImageRequest, ImageRoutesOptions } from './image.ts';
import { readAsked } from './image.ts';
import { publicVersion } from './image-headers.ts';
import { imageSchema, PROBLEMS } from './image-schema.ts';
import { deadlineProblem } from './problems.ts';
import { requestSignal } from './request-signal.ts';

const PREFIX = '/api/explain/';

function geometryOf({ source, upright, geometry, result }: Plan): Record<string, unknown> {
  const { region, scaled, crop, strategy, canvas, turn } = geometry;
  return {
    stored: source.stored,
    upright,
    region: region ?? null,
    scaled,
    crop: strategy ? { ...crop, left: null, top: null, by: strategy } : (crop ?? null),
    canvas: canvas?.size ?? null,
    turn,
    result,
  };
}

/** On JPEG's scale, and whose it is; nothing for what has no quality. */
function qualityOf({ format, settings, values }: Plan, probe: Probe | undefined): Record<string, unknown> {
  if (format === 'png' || format === 'gif' || settings.lossless) return {};
  if (settings.isAuto) return autoOf(format, settings, probe);
  const by = settings.isCapped ? 'original' : values.q === undefined ? 'default' : 'q';
  return { quality: settings.quality, qualityBy: by, maxBytes: settings.ceiling ?? values.mb ?? null };
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** What was predicted for the picture by its probe; nothing while it has none. */
function autoOf(
  format: keyof typeof PREDICTED,
  { quality: most, isCapped }: EncoderSettings,
  probe: Probe | undefined,
): Record<string, unknown> {
  if (probe === undefined)
    return { quality: null, qualityBy: 'auto: the first render of the picture makes a probe of it' };
  const predicted = autoQuality(format, probe);
  const quality = Math.min(most, predicted);
  return {
    quality: Math.round(quality * 10) / 10,
    qualityBy: isCapped && most < predicted ? 'original' : 'auto',
    codecQuality: codecQuality(format, quality),
    probe: Object.fromEntries(Object.entries(probe).map(([name, value]) => [name, rounded(value)])),
  };
}

/** The dry run of a variant: what would be done and what it would take, without doing any of it. */
export function explainRoutes(
  app: FastifyInstance,
  options: ImageRoutesOptions & { originals: Originals },
): void {
  const { querystring, params } = imageSchema(options.presets);
  const schema = {
    tags: ['images'],
    summary: 'Dry run of a variant: canonical form, key, geometry, tier and expected cost. Changes nothing.',
    params,
    querystring,
    response: {
      200: { description: 'What would be done.', type: 'object', additionalProperties: true },
      ...PROBLEMS,
    },
  };
  app.get(`${PREFIX}*`, { schema, validatorCompiler: () => () => true }, async (request, reply) => {
    const signal = requestSignal(request, reply, options.deadlineMs);
    try {
      signal.throwIfAborted();
      // Not all that it waits for listens to the signal: looking up a version, reading a header.
      return await unlessAborted(explain(request, options, signal), signal);
    } catch (error) {
      throw deadlineProblem(error, options.deadlineMs);
    }
  });
}

async function explain(
  request: FastifyRequest,
  options: ImageRoutesOptions & { originals: Originals },
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const imageRequest = readAsked(request, PREFIX, options.readQuery);
  const { id, read, canonical } = imageRequest;
  const existing = await options.images.facts(imageRequest, signal);
  const original = await options.originals.fetch(id, signal);
  const source = await options.renderer.open(id, original, { canonical, signal }).finally(original.release);
  const input = { canonical, priority: 'live', focal: original.focal } as const;
  const { plan, sameAs } = await options.renderer.plan(source, input);
  const { format, pages, moving, alpha } = source;
  return {
    id,
    canonical: read.canonical,
    negotiated: read.negotiable,
    variant: canonical,
    sameAs,
    key: options.images.keyOf({ id, canonical: sameAs ?? canonical }) ?? null,
    unstored: options.images.keyOf(imageRequest)
      ? undefined
      : 'its key would have more than the 1,024 bytes of S3',
    url: options.access.servesUnsigned(imageRequest) ? `/img/${idInUrl(id)}/${canonical}` : null,
    v: publicVersion(original.version),
    withoutEffect: read.idle.length ? read.idle : undefined,
    access: accessOf(request, options, imageRequest),
    original: { format, bytes: original.size, pages, moving, alpha, version: original.version },
    format: plan.format,
    ...qualityOf(plan, options.renderer.probeOf(id, original, plan)),
    moves: plan.moves,
    geometry: geometryOf(plan),
    note:
      plan.values.trim === undefined
        ? undefined
        : 'trim decides the geometry anew, once the pixels are decoded',
    passes: passesOf(plan.steps, plan.source.alpha),
    warnings: plan.warnings,
    tier: existing?.tier ?? 'miss',
    result: existing && { bytes: existing.facts.size, etag: existing.facts.etag },
    cost: plan.cost,
  };
}

/** Whether this deployment would serve it, and why not. */
function accessOf(request: FastifyRequest, { access }: ImageRoutesOptions, asked: ImageRequest): unknown {
  try {
    access.check(asked);
    return 'allowed';
  } catch (error) {
    if (isProblem(error)) return problemBody(error, request.id);
    throw error;
  }
}
