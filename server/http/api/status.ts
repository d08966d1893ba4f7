import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Static } from 'typebox';
import Type from 'typebox';
import { readId } from '../../core/query/id.ts';
import { isProblem } from '../../shared/errors.ts';
import type { ImageStatus } from '../../stores/images.ts';
import { statusView } from '../../writing/serializers.ts';
import { checkStatusKey } from '../../writing/status-keys.ts';
import { PROBLEMS } from '../image-schema.ts';
import { type Api, type ApiDeps, originOf } from './context.ts';
import { goesByKey } from './guard.ts';
import { Id } from './schemas/parts.ts';
import { Status, StatusEvents, StatusQuery } from './schemas/status.ts';

type StatusBody = Static<typeof Status>;

/** Records are asked; there is no broadcast between servers. Slower while nothing happens. */
const POLL_MS = { first: 150, last: 1000 };
const HEARTBEAT_MS = 15_000;
/** Longest life of a stream: a client that has gone without closing would hold one for ever. EventSource reconnects. */
const MAX_STREAM_MS = 600_000;

/** After which a client whose stream ended comes back. */
const RETRY_MS = 3_000;

const FINISHED: readonly ImageStatus[] = ['completed', 'partial', 'failed'];

/** The status of an image: at once, when it is finished, or every change of it. */
export function statusRoutes(api: Api, deps: ApiDeps): void {
  const closing = new AbortController();
  api.addHook('preClose', async () => closing.abort());
  api.get(
    '/api/images/:id/status',
    {
      config: { takesKey: true },
      schema: {
        tags: ['management'],
        summary:
          'Status of an image and of its variants, by pages of 100. Accept: text/event-stream streams every change.',
        params: Type.Object({ id: Id }),
        querystring: StatusQuery,
        response: {
          200: {
            description: 'How far an image and its variants are; as events for who accepts them.',
            content: {
              'application/json': { schema: Status },
              'text/event-stream': { schema: StatusEvents },
            },
          },
          204: Type.Null({ description: 'To a stream that comes back: what it has seen was the end.' }),
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const id = readId(request.params.id);
      const { wait = 0, key, ...page } = request.query;
      if (key !== undefined && goesByKey(request))
        checkStatusKey(await deps.records.images.get(id), key, Date.now() / 1000);
      const base = deps.urls.base(originOf(request));
      const look = async () => statusView(await deps.library.describe(id, page), deps.urls, base);
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const ended = AbortSignal.any([gone.signal, closing.signal]);
      const first = await look();
      if (request.headers.accept?.includes('text/event-stream')) {
        // EventSource comes back whenever a stream ends, for ever; 204 is what it takes for an end (HTML, 9.2.3).
        const isKnown = request.headers['last-event-id'] === eventId(first);
        if (isKnown && FINISHED.includes(first.status)) return reply.code(204).send(null);
        const ends = AbortSignal.any([ended, AbortSignal.timeout(MAX_STREAM_MS)]);
        reply.header('Content-Type', 'text/event-stream').header('X-Accel-Buffering', 'no');
        // The schema is that of the JSON answer.
        return reply.serializer((payload) => String(payload)).send(Readable.from(events(first, look, ends)));
      }
      if (wait === 0) return first;
      const ends = AbortSignal.any([ended, AbortSignal.timeout(wait * 1000)]);
      let latest = first;
      for await (const status of changes(first, look, ends)) latest = status ?? latest;
      return latest;
    },
  );
}

/** The same of the same status, whichever server says it. */
function eventId(status: StatusBody): string {
  return hash('sha1', JSON.stringify(status)).slice(0, 16);
}

/** Every state that differs from the one before, the last one finished; undefined when nothing has happened. */
async function* changes(
  first: StatusBody,
  look: () => Promise<StatusBody>,
  ends: AbortSignal,
): AsyncGenerator<StatusBody | undefined> {
  let before = first;
  yield first;
  for (
    let pause = POLL_MS.first;
    !FINISHED.includes(before.status);
    pause = Math.min(pause * 1.3, POLL_MS.last)
  ) {
    await sleep(pause, undefined, { signal: ends }).catch(() => undefined);
    if (ends.aborted) return;
    const now = await look();
    const isSame = JSON.stringify(now) === JSON.stringify(before);
    if (!isSame) pause = POLL_MS.first;
    before = now;
    yield isSame ? undefined : now;
  }
}

async function* events(
  first: StatusBody,
  look: () => Promise<StatusBody>,
  ends: AbortSignal,
): AsyncGenerator<string> {
  let spoke = performance.now();
  yield `retry: ${RETRY_MS}\n\n`;
  try {
    for await (const status of changes(first, look, ends)) {
      if (status) yield `id: ${eventId(status)}\nevent: status\ndata: ${JSON.stringify(status)}\n\n`;
      else if (performance.now() - spoke > HEARTBEAT_MS) yield ': nothing new\n\n';
      else continue;
      spoke = performance.now();
    }
  } catch (error) {
    // The status code has been sent already, so a problem becomes an event of the stream.
    if (!isProblem(error)) throw error;
    yield `event: problem\ndata: ${JSON.stringify({ code: error.code, detail: error.detail })}\n\n`;
  }
}
