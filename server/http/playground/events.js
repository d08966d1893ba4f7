/** Statuses of an image as they change. An EventSource cannot send a token; a fetch can. */
import { pathOfId } from './address.js';
import { authorization } from './api.js';
import { readEvents } from './event-stream.js';

export const FINISHED = ['completed', 'partial', 'failed'];

const RETRY_MS = 1500;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Follows an image until it is finished, over lost connections.
 *
 * @param onStatus  called with every status
 */
export async function follow(id, onStatus, signal) {
  let last;
  for (;;) {
    const headers = {
      ...authorization(),
      Accept: 'text/event-stream',
      ...(last && { 'Last-Event-ID': last }),
    };
    const answer = await fetch(`/api/images/${pathOfId(id)}/status`, { headers, signal }).catch(
      () => undefined,
    );
    if (signal.aborted || isOver(answer?.status)) return;
    if (answer?.ok) {
      for await (const event of eventsOf(answer.body)) {
        if (event.event !== 'status') continue;
        last = event.id;
        const status = JSON.parse(event.data);
        onStatus(status);
        if (FINISHED.includes(status.status)) return;
      }
    }
    await pause(RETRY_MS);
  }
}

async function* eventsOf(body) {
  const read = readEvents();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield* read(value);
    }
  } catch {
    // The connection broke: whoever follows comes back.
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** Told that nothing more comes, or refused for good. */
function isOver(status = 0) {
  return status === 204 || (status >= 400 && status < 500 && status !== 429);
}
