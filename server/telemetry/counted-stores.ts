import { isProblem } from '../shared/errors.ts';
import type { Jobs } from '../stores/jobs.ts';
import type { Objects } from '../stores/objects.ts';
import type { Records, Stores } from '../stores/stores.ts';
import type { Metrics } from './metrics.ts';

type Outcome = 'ok' | 'refused' | 'ended' | 'failed';

/** Waits for what is to come, not for the store. */
const LONG_POLLS: readonly string[] = ['receive', 'deadLetters.receive'];
/** Asked before every hit of the router's path: what it costs would be a good part of the answer. */
const AT_ONCE: readonly string[] = ['getAtOnce'];

/** The same stores, whose calls are counted and timed. */
export function countedStores(stores: Stores, metrics: Metrics): Stores {
  const { originals, results, records, jobs } = stores;
  const count = <T extends object>(store: string, target: T, prefix = ''): T =>
    counted(target, prefix, (call, work) => timed(metrics, { store, call }, work));
  const parts: Exclude<keyof Records, 'ping' | 'takesJobs'>[] = [
    'images',
    'variants',
    'collections',
    'locks',
    'progress',
    'answers',
  ];
  const roles = Object.fromEntries(parts.map((role) => [role, count('records', records[role], `${role}.`)]));
  return {
    ...stores,
    originals: count<Objects>('originals', originals),
    results: count<Objects>('results', results),
    records: { ...count<Records>('records', records), ...roles },
    jobs: { ...count<Jobs>('jobs', jobs), deadLetters: count('jobs', jobs.deadLetters, 'deadLetters.') },
  };
}

type Around = (call: string, work: () => unknown) => unknown;

/** A thing whose methods go through `around`, and whose other properties are those of the target. */
function counted<T extends object>(target: T, prefix: string, around: Around): T {
  const properties: PropertyDescriptorMap = {};
  for (const name of namesOf(target)) {
    const call = prefix + name;
    const current = (): unknown => Reflect.get(target, name);
    // Looked up anew each time: a method may be another one by now.
    const invoke = (...args: unknown[]): unknown => {
      const method = current();
      return typeof method === 'function' ? Reflect.apply(method, target, args) : undefined;
    };
    const isMethod = typeof current() === 'function';
    const method = AT_ONCE.includes(call)
      ? invoke
      : (...args: unknown[]) => around(call, () => invoke(...args));
    properties[name] = isMethod
      ? { value: method, enumerable: true, writable: true, configurable: true }
      : { get: current, enumerable: true, configurable: true };
  }
  return Object.create(Object.prototype, properties);
}

/** Properties and methods, those of its class included. */
function namesOf(target: object): Set<string> {
  const names = new Set<string>();
  for (let part: unknown = target; part && part !== Object.prototype; part = Object.getPrototypeOf(part))
    for (const name of Object.getOwnPropertyNames(part)) if (name !== 'constructor') names.add(name);
  return names;
}

function timed(metrics: Metrics, labels: { store: string; call: string }, work: () => unknown): unknown {
  const started = performance.now();
  const end = (outcome: Outcome) => {
    metrics.add('storeCalls', { ...labels, outcome });
    if (LONG_POLLS.includes(labels.call)) return;
    metrics.observe('storeCallSeconds', (performance.now() - started) / 1000, { store: labels.store });
  };
  const result = work();
  if (!(result instanceof Promise)) return result;
  result.then(
    () => end('ok'),
    (error: unknown) => end(outcomeOf(error)),
  );
  return result;
}

function outcomeOf(error: unknown): Outcome {
  if (isProblem(error)) return error.status >= 500 ? 'failed' : 'refused';
  const isEnded = error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError');
  return isEnded ? 'ended' : 'failed';
}
