import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/settings.ts';

type Place = Pick<Config, 'dataDir' | 'publicUrl'>;

const fileOf = ({ dataDir }: Place): string => join(dataDir, 'server.address');

/** Where a browser on this machine finds a server that listens on all addresses. */
export function shownBase(address: string): string {
  const url = new URL(address);
  if (['0.0.0.0', '127.0.0.1', '[::]', '[::1]'].includes(url.hostname)) url.hostname = 'localhost';
  return url.origin;
}

const readNote = (config: Place): Promise<string | undefined> =>
  readFile(fileOf(config), 'utf8').catch(() => undefined);

/**
 * Notes in the data folder where a server is found: commands in another shell do not have its PORT and PUBLIC_URL, and
 * would print addresses at which nobody answers. Of several servers over one folder the last one is told.
 *
 * @returns what takes the note away
 */
export async function noteAddress(config: Place, address: string): Promise<() => Promise<void>> {
  const note = config.publicUrl ?? shownBase(address);
  // Nothing but what commands print hangs on it; with stores elsewhere there may be no such folder.
  await writeFile(fileOf(config), note).catch(() => undefined);
  return async () => {
    // Whoever ends has more to do behind this, and the next one writes over it.
    if ((await readNote(config)) === note) await rm(fileOf(config)).catch(() => undefined);
  };
}

/** Scheme and host under which the pictures of a data folder are served; undefined where no server has noted it. */
export async function notedAddress(config: Place): Promise<string | undefined> {
  const note = await readNote(config);
  return note !== undefined && URL.canParse(note) ? note : undefined;
}
