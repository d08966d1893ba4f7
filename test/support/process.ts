import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { endProgram, type Program, spawnProgram, UNMEASURED } from './command.ts';
import { corpus } from './corpus.ts';
import { PATIENT, SINGLE } from './env.ts';
import { removeFolder, temporaryFolder } from './folders.ts';

export interface ServerProcess {
  base: string;
  /** Around its render processes, as its log says when it starts. */
  layers: readonly string[];
  child: Program;
  /** Resolves to the exit code, or to the signal that ended it. */
  end(signal: NodeJS.Signals): Promise<number | string>;
}

/** `node server/main.ts` as it runs in production, on a free port. @see ProgramOptions */
export async function spawnServer(
  env: Record<string, string>,
  { isMeasured = false } = {},
): Promise<ServerProcess> {
  const child = spawnProgram('server/main.ts', {
    env: { ...PATIENT, ...SINGLE, PORT: '0', HOST: '127.0.0.1', ...env },
    isMeasured,
  });
  const lines = createInterface({ input: child.stdout });
  type Started = Pick<ServerProcess, 'base' | 'layers'>;
  const started = await new Promise<Started>((resolve, reject) => {
    lines.on('line', (line) => {
      const {
        ready,
        address,
        layers = [],
      }: { ready?: boolean; address?: string; layers?: string[] } = JSON.parse(line);
      if (ready && address) resolve({ base: address, layers });
    });
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}.`)));
  });
  return {
    ...started,
    child,
    end: (signal) => endProgram(child, signal),
  };
}

/** A DATA_DIR with one original, ladybug.jpg. */
export async function folderWithPhoto(t: Test): Promise<string> {
  const folder = await temporaryFolder();
  t.teardown(() => removeFolder(folder));
  const originals = await FileObjects.open(join(folder, 'originals'));
  await originals.put('ladybug.jpg', await corpus('samples/ladybug.jpg'), { contentType: 'image/jpeg' });
  return folder;
}

/** A program that ends by itself. */
export function ended(script: string, env: Record<string, string>, ...args: string[]) {
  const given = { ...process.env, HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'silent', ...env };
  const [program, ...words] = UNMEASURED;
  return spawnSync(program, [...words, script, ...args], { env: given, encoding: 'utf8', timeout: 180_000 });
}
