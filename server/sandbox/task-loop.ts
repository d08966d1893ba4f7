/** What a render process does once it may: it takes tasks of its parent until that is gone. */

import type { HasGlyph } from '../core/render/drawing-warnings.ts';
import { configureSharp } from '../core/sharp/configure.ts';
import { onOrphaned, tellParent } from '../shared/parent.ts';
import { failureOf } from './failure.ts';
import { readCoverage } from './glyphs.ts';
import type { FromProcess, ToProcess } from './protocol.ts';
import { type TaskContext, tasks } from './tasks.ts';

configureSharp();

let glyphs: Promise<HasGlyph> | undefined;
const readGlyphs = (): Promise<HasGlyph> => {
  glyphs ??= readCoverage(process.argv.slice(2));
  return glyphs;
};

const abandons = new Map<number, AbortController>();
const beginnings = new Map<number, (isWanted: boolean) => void>();

const send = (message: FromProcess): void => tellParent(message);

function contextOf(task: number, signal: AbortSignal): TaskContext {
  return {
    signal,
    now: () => performance.now(),
    readGlyphs,
    onDrawn: () => send({ task, drawn: true }),
    part: (part) => send({ task, part }),
    begins: (canonicals) =>
      new Promise<boolean>((resolve) => {
        beginnings.set(task, resolve);
        send({ task, begins: canonicals });
      }),
  };
}

async function work(message: Extract<ToProcess, { run: unknown }>): Promise<FromProcess> {
  const { task, run } = message;
  const controller = new AbortController();
  abandons.set(task, controller);
  try {
    return { task, answer: await tasks(run, contextOf(task, controller.signal)) };
  } catch (error) {
    return { task, failure: failureOf(error) };
  } finally {
    abandons.delete(task);
    beginnings.delete(task);
  }
}

process.on('message', (message: ToProcess) => {
  if ('run' in message) {
    void work(message).then(send);
  } else if ('abandon' in message) {
    abandons.get(message.task)?.abort();
    beginnings.get(message.task)?.(false);
  } else {
    beginnings.get(message.task)?.(message.begin);
  }
});
onOrphaned(() => process.exit(0));
send({ ready: true });
