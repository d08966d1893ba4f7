import { hash, randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest, RouteHandlerMethod, RouteOptions } from 'fastify';
import Type from 'typebox';
import { Problem } from '../../shared/errors.ts';
import { keepHeld } from '../../shared/periodic.ts';
import { newUlid, ulidAfter } from '../../shared/ulid.ts';
import type { KeptAnswer } from '../../stores/answers.ts';
import type { Api, ApiDeps } from './context.ts';
import { linger } from './linger.ts';
import { receiving } from './pace.ts';
import { chunksOf, partsOf } from './parts.ts';
import { RequestDigest } from './request-digest.ts';

const NAME = 'Idempotency-Key';
const REPLAYED = 'Idempotent-Replayed';
const KEEP_SECONDS = 24 * 3600;
/** A server that was killed holds a key no longer. */
const HOLD_SECONDS = 60;
/** After which it is worth asking again. */
const BUSY_SECONDS = 5;
/** What an answer is besides its body; the rest is said of each answer anew. */
const KEPT_HEADERS = ['content-type', 'location'] as const;

/** A String of RFC 9651, as the draft has it, or what most clients send: the same without quotes. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"$/;
const BARE = /^[\w.~:/+=@-]{1,255}$/;

const HEADERS = Type.Object({
  [NAME]: Type.Optional(
    Type.String({
      description: `Done once: sent again within ${KEEP_SECONDS / 3600} h, it is answered as it was, with ${REPLAYED}: true.`,
      pattern: `${QUOTED.source}|${BARE.source}`,
    }),
  ),
});

/** A request that is done under a key. */
interface Turn {
  readonly key: string;
  readonly owner: string;
  readonly seed: string;
  /** Stops holding the key. */
  readonly end: () => void;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a request with a key. */
    digest?: RequestDigest | undefined;
    turn?: Turn | undefined;
  }
}

/**
 * Does a POST with an `Idempotency-Key` once: sent again, it is answered as it was the first time. Only what succeeded is
 * kept: whatever failed may be tried again. After a crash in the middle, what a request made is found by the names that
 * it makes again.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function keepAnswers(api: Api, deps: ApiDeps): void {
  api.addHook('onRoute', (route) => {
    if (route.method !== 'POST') return;
    route.handler = underKey(route, deps);
    route.schema = { ...route.schema, headers: HEADERS };
  });
  api.addHook('onSend', async (request, reply, payload) => {
    const { turn } = request;
    if (turn) await settle(turn, request, reply, payload, deps);
    return payload;
  });
}

function underKey({ handler, config }: RouteOptions, deps: ApiDeps): RouteHandlerMethod {
  return async function (request, reply) {
    const key = readKey(request);
    if (key === undefined) return handler.call(this, request, reply);
    request.digest = new RequestDigest(request.method, request.url);
    if (request.body !== undefined) request.digest.body(request.body);
    // Where everybody is let in, the route sees first whether there is anything to it.
    const kept = config?.isOpen ? undefined : await takeTurn(request, deps, `caller ${request.caller ?? ''}`);
    if (kept) return replay(request, reply, deps, kept);
    try {
      return await handler.call(this, request, reply);
    } catch (error) {
      await giveUp(request, deps);
      throw error;
    }
  };
}

/**
 * @param scope  whose key it is: others may have the same
 * @returns      the answer, where there is one
 * @throws Problem `request_in_progress`, `invalid_request` for a key that is none
 */
export async function takeTurn(
  request: FastifyRequest,
  { records: { answers } }: ApiDeps,
  scope: string,
): Promise<KeptAnswer | undefined> {
  const name = readKey(request);
  if (name === undefined) return undefined;
  const key = hash('sha256', JSON.stringify([scope, name]));
  const owner = randomUUID();
  const seed = newUlid(Date.now());
  const attempt = { owner, seed, holdSeconds: HOLD_SECONDS, keepSeconds: KEEP_SECONDS };
  const standing = await answers.take(key, attempt);
  if (standing.state === 'answered') return standing.answer;
  if (standing.state === 'held') {
    linger(request.raw);
    throw inProgress();
  }
  const end = keepHeld(HOLD_SECONDS, () => answers.take(key, attempt));
  request.turn = { key, owner, seed: standing.seed, end };
  return undefined;
}

/** The id of the next thing that a request makes; under a key the same each time. */
export function nextId({ turn }: FastifyRequest, index = 0): string | undefined {
  return turn && ulidAfter(turn.seed, index);
}

/** @throws Problem `idempotency_key_reused` */
export function answerAgain({ digest }: FastifyRequest, reply: FastifyReply, kept: KeptAnswer): FastifyReply {
  if (digest?.value !== kept.request) throw reused();
  const { status, headers, body } = kept;
  return reply
    .code(status)
    .headers(headers)
    .header(REPLAYED, 'true')
    .send(body === '' ? null : Buffer.from(body));
}

/** The body has to be read to know whether it is the same. */
async function replay(
  request: FastifyRequest,
  reply: FastifyReply,
  { uploads, minUploadRate }: ApiDeps,
  kept: KeptAnswer,
): Promise<FastifyReply> {
  if (request.isMultipart())
    await receiving(request.raw, minUploadRate, () => uploads.withSlot(() => readForm(request)));
  return answerAgain(request, reply, kept);
}

async function readForm(request: FastifyRequest): Promise<void> {
  for await (const part of partsOf(request))
    if (part.kind === 'file') for await (const _chunk of chunksOf(part));
}

async function settle(
  turn: Turn,
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  deps: ApiDeps,
): Promise<void> {
  const digest = request.digest?.value;
  const isDone = reply.statusCode < 300 && digest !== undefined;
  if (!isDone || (typeof payload !== 'string' && payload !== null)) return giveUp(request, deps);
  request.turn = undefined;
  turn.end();
  const headers = Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = reply.getHeader(name);
      return value === undefined ? [] : [[name, String(value)]];
    }),
  );
  const answer = { request: digest, status: reply.statusCode, headers, body: payload ?? '' };
  try {
    await deps.records.answers.keep(turn.key, turn.owner, answer, KEEP_SECONDS);
  } catch (err) {
    // It is done all the same; sent again, it finds what it made.
    request.log.warn({ err }, 'an answer was not kept');
  }
}

async function giveUp(request: FastifyRequest, { records: { answers } }: ApiDeps): Promise<void> {
  const { turn } = request;
  if (!turn) return;
  request.turn = undefined;
  turn.end();
  await answers.release(turn.key, turn.owner).catch((err: unknown) => {
    request.log.warn({ err }, 'a key was not given up; it is free in a minute');
  });
}

/** @throws Problem `invalid_request` */
function readKey({ headers }: FastifyRequest): string | undefined {
  const value = headers['idempotency-key'];
  if (value === undefined) return undefined;
  const text = String(value);
  const quoted = QUOTED.exec(text)?.[1];
  if (quoted !== undefined) return quoted.replace(/\\(.)/g, '$1');
  if (BARE.test(text)) return text;
  throw new Problem('invalid_request', `"${NAME}" is no key.`, {
    param: NAME,
    received: text.slice(0, 300),
    allowed:
      '1 to 255 printable ASCII characters in double quotes; of letters, digits and . _ ~ : / + = @ - also without',
  });
}

function inProgress(): Problem {
  const detail = `The request with this ${NAME} is being worked on; its answer is there in a moment.`;
  return new Problem('request_in_progress', detail, { param: NAME, retryAfterSeconds: BUSY_SECONDS });
}

function reused(): Problem {
  const hint = 'A key is for one request, and for sending that again as it was: make a new one for another.';
  const detail = `This ${NAME} was used for another request: another address, or another body.`;
  return new Problem('idempotency_key_reused', detail, { param: NAME, hint });
}
