import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { readId } from '../../core/query/id.ts';
import { Problem, problemBody } from '../../shared/errors.ts';
import type { Details } from '../../writing/details.ts';
import type { Repeated } from '../../writing/repeats.ts';
import type { FinishedUpload } from '../../writing/replace.ts';
import { uploadView } from '../../writing/serializers.ts';
import type { Accepted } from '../../writing/uploads.ts';
import { PROBLEMS } from '../image-schema.ts';
import { type Api, type ApiDeps, originOf } from './context.ts';
import { FormFields } from './fields.ts';
import { ORIGINAL_FORM, UPLOAD_FORM } from './form-schemas.ts';
import { nextId } from './idempotency.ts';
import { receiving } from './pace.ts';
import { chunksOf, drain, type FilePart, formOnly, isFileFault, partsOf, remaining } from './parts.ts';
import { Id } from './schemas/parts.ts';
import { UPLOAD_PROBLEMS, Upload, UploadAnswer } from './schemas/uploads.ts';
import { counting, countUnstored } from './upload-metrics.ts';

type Outcome = { file: string; accepted: Accepted | Repeated } | { file: string; problem: Problem };

const tags = ['management'];
const unvalidated = {
  validatorCompiler: () => () => true,
  attachValidation: false,
  preParsing: formOnly,
} as const;

/** Taking files in: new ones, and new bytes for those that are there. */
export function uploadRoutes(api: Api, deps: ApiDeps): void {
  const { uploads, urls, minUploadRate } = deps;
  api.post(
    '/api/images',
    {
      config: { changesOriginals: true },
      ...unvalidated,
      schema: {
        tags,
        ...UPLOAD_FORM,
        summary: 'Uploads one or more images and warms their variants.',
        response: { 202: UploadAnswer, ...UPLOAD_PROBLEMS },
      },
    },
    (request, reply) =>
      receiving(request.raw, minUploadRate, () => uploads.withSlot(() => upload(request, reply, deps))),
  );
  api.put(
    '/api/images/:id/original',
    {
      config: { changesOriginals: true },
      ...unvalidated,
      schema: {
        tags,
        params: Type.Object({ id: Id }),
        ...ORIGINAL_FORM,
        summary: 'Replaces the bytes of an image: new version, every tier purged, its variants warmed again.',
        response: { 202: Upload, ...PROBLEMS },
      },
    },
    (request, reply) =>
      receiving(request.raw, minUploadRate, () =>
        uploads.withSlot(async () => {
          const finished = await replace(request, readId(request.params.id), deps);
          const base = urls.base(originOf(request));
          const statusUrl = urls.status(base, finished.record.id);
          return reply
            .code(202)
            .header('Location', statusUrl)
            .send(uploadView(finished, urls, base));
        }),
      ),
  );
}

async function replace(
  request: FastifyRequest,
  id: string,
  { uploads, metrics }: ApiDeps,
): Promise<FinishedUpload> {
  for await (const part of partsOf(request)) {
    if (part.kind === 'file')
      return counting(
        metrics,
        ({ record }) => record.original?.bytes,
        () => uploads.replace(id, chunksOf(part)),
      );
    throw new Problem('invalid_request', `There is no field "${part.name}" here.`, { param: part.name });
  }
  throw noFile();
}

async function upload(request: FastifyRequest, reply: FastifyReply, deps: ApiDeps): Promise<unknown> {
  const { uploads, metrics } = deps;
  const outcomes: Outcome[] = [];
  const finished: FinishedUpload[] = [];
  try {
    const fields = new FormFields(deps);
    await readForm(request, deps, fields, outcomes);
    if (outcomes.length === 0) throw noFile();
    const details = fields.details();
    if (fields.id !== undefined) await useId(fields.id, outcomes, details, deps);
    for (const outcome of outcomes) {
      if (!('accepted' in outcome)) continue;
      const { accepted } = outcome;
      const bytes = 'isRepeated' in accepted ? undefined : accepted.facts.bytes;
      finished.push(
        await counting(
          metrics,
          () => bytes,
          () => uploads.finish(accepted, details),
        ),
      );
    }
  } catch (error) {
    // What went in before the request as a whole was refused goes too, each whatever becomes of the others.
    const accepted = outcomes.flatMap((outcome) => ('accepted' in outcome ? [outcome.accepted] : []));
    const discarded = await Promise.allSettled(accepted.map((one) => uploads.discard(one)));
    for (const one of discarded)
      if (one.status === 'rejected') request.log.warn({ err: one.reason }, 'an upload was not taken back');
    throw error;
  }
  return answer(request, reply, deps, outcomes, finished);
}

/**
 * Stores files as they come. A file that is refused is an outcome; a field that is refused ends the request. Where
 * the rest of a refused file is not worth reading, the form ends there: what came before it counts.
 */
async function readForm(
  request: FastifyRequest,
  deps: ApiDeps,
  fields: FormFields,
  outcomes: Outcome[],
): Promise<void> {
  const left = remaining(request);
  for await (const part of partsOf(request)) {
    if (part.kind === 'field') {
      fields.add(part.name, part.value);
      continue;
    }
    const isFirst = outcomes.length === 0;
    if (fields.id !== undefined && !isFirst) throw oneFileForId();
    const id = fields.id ?? nextId(request, outcomes.length);
    const outcome = await takeFile(part, deps, { id, details: fields.details() });
    outcomes.push(outcome);
    if (!('problem' in outcome)) continue;
    const budget = worthReading(outcome.problem, isFirst ? left() : 0, deps.maxUploadBytes);
    if (await drain(part, budget)) continue;
    outcomes.splice(-1, 1, { file: part.name, problem: lastRead(outcome.problem) });
    return;
  }
}

async function takeFile(
  part: FilePart,
  { uploads, metrics }: ApiDeps,
  { id, details }: { id: string | undefined; details: Details },
): Promise<Outcome> {
  const { name } = part;
  try {
    const accepted = await uploads.accept(chunksOf(part), id, details);
    return { file: name, accepted };
  } catch (error) {
    countUnstored(metrics, error);
    if (!isFileFault(error)) throw error;
    return { file: name, problem: error };
  }
}

/**
 * Bytes of the rest of a refused file that are read for the sake of the files behind it.
 *
 * @param left  bytes of the request that are still to come; 0 where others wait for their outcome anyway
 */
function worthReading({ code }: Problem, left: number, maxUploadBytes: number): number {
  const isLarge = code === 'upload_too_large' || code === 'source_too_large';
  // One that passed the limit is most likely alone and is answered at once, unless its end is near.
  return isLarge && !(left <= maxUploadBytes / 4) ? 0 : maxUploadBytes;
}

function lastRead({ code, detail, facts, cause }: Problem): Problem {
  const hint = 'What came behind this file in the form was not read.';
  return new Problem(code, detail, { hint, ...facts }, cause);
}

/** An id that was told after the file: the file moves there. */
async function useId(id: string, outcomes: Outcome[], details: Details, { uploads }: ApiDeps): Promise<void> {
  const [first, second] = outcomes;
  if (second) throw oneFileForId();
  if (!first || !('accepted' in first) || first.accepted.id === id) return;
  const accepted = await uploads.rename(first.accepted, id, details);
  outcomes[0] = { file: first.file, accepted };
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  { urls }: ApiDeps,
  outcomes: readonly Outcome[],
  finished: readonly FinishedUpload[],
): unknown {
  const base = urls.base(originOf(request));
  const [only, second] = outcomes;
  if (!second) {
    if (only && 'problem' in only) throw only.problem;
    const [image] = finished;
    if (!image) throw noFile();
    reply.code(202).header('Location', urls.status(base, image.record.id));
    return reply.send(uploadView(image, urls, base));
  }
  const rest = [...finished];
  const images = outcomes.map((outcome) => {
    if ('problem' in outcome)
      return { file: outcome.file, problem: problemBody(outcome.problem, request.id) };
    const image = rest.shift();
    return image && uploadView(image, urls, base);
  });
  const [refused] = outcomes.flatMap((outcome) => ('problem' in outcome ? [outcome.problem] : []));
  const status = finished.length === 0 && refused ? refused.status : 202;
  return reply.code(status).type('application/json').serializer(JSON.stringify).send({ images });
}

function oneFileForId(): Problem {
  return new Problem('invalid_request', 'An id is for one file; here are several.', { param: 'id' });
}

function noFile(): Problem {
  return new Problem('invalid_request', 'There is no file in this form.', { param: 'file' });
}
