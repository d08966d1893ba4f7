import { AsyncLocalStorage } from 'node:async_hooks';
import type { Rendered } from '../core/render/types.ts';
import type { AnswerOf, TaskKind } from '../sandbox/protocol.ts';
import type { Past, Tracing } from '../telemetry/tracing.ts';
import type { Core } from './core.ts';

/** Puts a trace around the parts of a picture's way: queue, fetch, decode, encode, store. Without one nothing is changed. */
export function traceCore({ originals, results, admissions, rendering }: Core, tracing: Tracing): void {
  if (!tracing.isOn) return;
  around(originals, 'fetch', (work, [id]) => tracing.part('fetch', { 'rendition.image': id }, work));
  around(admissions.render, 'acquire', (work) => tracing.part('queue', {}, work));
  around(results, 'keep', (work, [{ id, canonical }]) =>
    tracing.part('store', { 'rendition.image': id, 'rendition.variant': canonical }, work),
  );
  const { pool } = rendering;
  const run = pool.run.bind(pool);
  pool.run = async (kind, asks, options) => {
    // Parts come as messages of another process, which know nothing of who asked.
    const within = AsyncLocalStorage.snapshot();
    return tracing.part(kind, {}, async (past) => {
      const { part } = options;
      const answer = await run(kind, asks, {
        ...options,
        ...(part && {
          part: (done) => {
            if (done.rendered) tellStages(past, done.rendered, { 'rendition.variant': done.canonical });
            within(part, done);
          },
        }),
      });
      if (isRendered(kind, answer)) tellStages(past, answer, {});
      return answer;
    });
  };
}

/** The process that rendered tells how long each stage took; the last one has ended just now. */
function tellStages(past: Past, { timings }: Rendered, attributes: Record<string, string>): void {
  let endMs = Date.now();
  for (const stage of ['encode', 'transform', 'decode'] as const) {
    past(stage, { endMs, ms: timings[stage] }, attributes);
    endMs -= timings[stage];
  }
}

const isRendered = (kind: TaskKind, _answer: AnswerOf<TaskKind>): _answer is Rendered => kind === 'render';

type Methods<T> = { [K in keyof T as T[K] extends (...args: never[]) => Promise<unknown> ? K : never]: T[K] };

/** Has calls of a method go through `through`. */
function around<T extends object, K extends keyof Methods<T>>(
  target: T,
  name: K,
  through: T[K] extends (...args: infer A) => Promise<infer R>
    ? (work: () => Promise<R>, args: A) => Promise<R>
    : never,
): void {
  const method: unknown = target[name];
  if (typeof method !== 'function') return;
  const value = (...args: unknown[]) =>
    Reflect.apply(through, undefined, [() => Reflect.apply(method, target, args), args]);
  Object.defineProperty(target, name, { value, configurable: true, writable: true });
}
