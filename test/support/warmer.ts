import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pino from 'pino';
import type { Test } from 'tap';
import { composeCore } from '../../server/compose/core.ts';
import { type ExternalServices, openExternalServices } from '../../server/compose/external-services.ts';
import { composeManagement } from '../../server/compose/management.ts';
import { openStores } from '../../server/compose/stores.ts';
import { type Config, loadConfig } from '../../server/config/settings.ts';
import type { Objects } from '../../server/stores/objects.ts';
import type { Stores } from '../../server/stores/stores.ts';
import type { VariantRecord } from '../../server/stores/variants.ts';
import { openTracing } from '../../server/telemetry/open-tracing.ts';
import type { Management } from '../../server/writing/management.ts';
import { composeWarmer, type Warmer } from '../../warmer/compose.ts';
import { endProgram, type Program, spawnProgram } from './command.ts';
import { PATIENT, SINGLE } from './env.ts';
import { removeFolder, temporaryFolder } from './folders.ts';
import { sharedRendering } from './rendering.ts';
import { waitFor } from './wait.ts';

type Line = Record<string, unknown>;

/** A warmer of this process, not running yet, and the writing side of a server beside it. */
export interface TestWarmer extends Warmer {
  config: Config;
  beyond: Partial<ExternalServices>;
  stores: Stores;
  management: Management;
  /** Log lines so far, parsed. */
  lines: Line[];
  /** Puts an original and asks for variants of it, as an upload does. */
  ask(id: string, bytes: Uint8Array, variants: readonly string[]): Promise<void>;
  variants(id: string): Promise<VariantRecord[]>;
  /** Runs until `seen` holds, then stops. */
  until(seen: () => Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param env    as in production
 * @param alter   puts something between the warmer and its stores, for faults
 * @param beyond  ready clients of what lies beyond the stores; others are made from `env`
 */
export async function createWarmer(
  env: Record<string, string> = {},
  alter: (stores: Stores) => Stores = (stores) => stores,
  beyond: Partial<ExternalServices> = {},
): Promise<TestWarmer> {
  const own = env['DATA_DIR'] === undefined ? await temporaryFolder() : undefined;
  const config = loadConfig({ ...PATIENT, DATA_DIR: own, ...env });
  const stores = await openStores(config);
  const lines: Line[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const external = { ...(await openExternalServices(config, stores)), ...beyond };
  const rendering = await sharedRendering();
  const core = composeCore(config, stores, rendering, log);
  const management = composeManagement(config, stores, core, { external, log });
  const tracing = await openTracing({ ...config, service: 'rendition-warmer', version: '0', log });
  const warmer = await composeWarmer(config, alter(stores), {
    log,
    external,
    rendering,
    version: '0',
    tracing,
  });
  return {
    ...warmer,
    config,
    beyond,
    stores,
    management,
    lines,
    ask: async (id, bytes, variants) => {
      await stores.originals.put(id, bytes, { contentType: 'image/jpeg' });
      await management.reconciler.reconcile(id);
      await management.intents.ask(id, { warm: [...variants] });
    },
    variants: (id) => stores.records.variants.list(id),
    until: async (seen) => {
      const run = warmer.worker.run();
      try {
        await waitFor(seen);
      } finally {
        warmer.worker.stop();
        await run;
      }
    },
    close: async () => {
      await tracing.close();
      stores.close();
      if (own) await removeFolder(own);
    },
  };
}

/** A warmer that is closed with the test. */
export async function warmerOf(
  t: Test,
  env: Record<string, string> = {},
  alter?: (stores: Stores) => Stores,
): Promise<TestWarmer> {
  const created = await createWarmer(env, alter);
  t.teardown(() => created.close());
  return created;
}

/** Whether no job waits, and none is under way. */
export async function isDrained({ jobs }: Pick<Stores, 'jobs'>): Promise<boolean> {
  const { ready, inFlight } = await jobs.depth();
  return ready + inFlight === 0;
}

/** A warmer that has done what was queued, and is closed. */
export async function workOff(env: Record<string, string>): Promise<TestWarmer> {
  const warmer = await createWarmer(env);
  await warmer.until(() => isDrained(warmer.stores)).finally(() => warmer.close());
  return warmer;
}

/** A store some of whose calls are other ones. */
export function altered<T extends object>(store: T, calls: Partial<T>): T {
  return new Proxy(store, {
    get: (target, name) => {
      const call = Reflect.get(calls, name) ?? Reflect.get(target, name);
      return typeof call === 'function' ? call.bind(target) : call;
    },
  });
}

/** Objects whose `put` is another one. */
export function withPut(objects: Objects, put: Objects['put']): Objects {
  return altered(objects, { put });
}

export interface WarmerProcess {
  child: Program;
  lines: Line[];
  /** Resolves to the exit code, or to the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | string>;
}

/** `node warmer/main.ts` as it runs in production; resolves when it takes jobs. */
export async function spawnWarmer(
  env: Record<string, string>,
  { isMeasured = false } = {},
): Promise<WarmerProcess> {
  const dataDir = env['DATA_DIR'];
  if (dataDir) await mkdir(join(dataDir), { recursive: true });
  const child = spawnProgram('warmer/main.ts', { env: { ...PATIENT, ...SINGLE, ...env }, isMeasured });
  const lines: Line[] = [];
  const text = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    text.on('line', (line) => {
      const parsed: Line = JSON.parse(line);
      lines.push(parsed);
      if (parsed['ready']) resolve();
    });
    child.once('exit', (code) => reject(new Error(`The warmer ended with ${code}.`)));
  });
  return {
    child,
    lines,
    end: (signal) => endProgram(child, signal),
  };
}
