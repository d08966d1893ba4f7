import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { runFolder } from './folders.ts';

const run = promisify(execFile);

/** The program's name and what goes before the two files: of libjxl, and of the crate `ssimulacra2_rs`. */
const PROGRAMS: ReadonlyArray<readonly [name: string, ...lead: string[]]> = [
  ['ssimulacra2'],
  ['ssimulacra2_rs', 'image'],
];

/** Where a program lies on PATH; undefined where it does not. */
export const onPath = (name: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

/** SSIMULACRA2 in the environment, as `ssimulacra2_rs image`, else what is on PATH; undefined where there is none. */
export function ssimulacra2Command(): readonly [program: string, ...lead: string[]] | undefined {
  const [program = '', ...lead] = (process.env['SSIMULACRA2'] ?? '').split(' ');
  if (program) return [program, ...lead];
  return PROGRAMS.find(([name]) => onPath(name));
}

/** Compares pictures with one that has lost nothing. 100: the same; 90: no eye tells them apart; 70: high quality. */
export class Ssimulacra2 {
  readonly #command: readonly [program: string, ...lead: string[]];
  readonly #folder: string;
  /** Folders of pairs that nobody compares now. What is written over removes no inode, see runFolder. */
  readonly #idle: string[] = [];
  #made = 0;

  private constructor(command: readonly [program: string, ...lead: string[]], folder: string) {
    this.#command = command;
    this.#folder = folder;
  }

  /** @throws Error where no program is found */
  static open(): Ssimulacra2 {
    const command = ssimulacra2Command();
    if (!command)
      throw new Error('No ssimulacra2 on PATH and none named by SSIMULACRA2, see bench/peers.md.');
    return new Ssimulacra2(command, runFolder());
  }

  /** May be called several times at once. @param original  a PNG */
  async score(original: Buffer, other: Uint8Array): Promise<number> {
    const pair = this.#idle.pop() ?? join(this.#folder, String(this.#made++));
    await mkdir(pair, { recursive: true });
    const [before, after] = [join(pair, 'before.png'), join(pair, 'after.png')] as const;
    await writeFile(before, original);
    await sharp(other).removeAlpha().toColourspace('srgb').png({ compressionLevel: 1 }).toFile(after);
    const [program, ...lead] = this.#command;
    const { stdout } = await run(program, [...lead, before, after]);
    this.#idle.push(pair);
    const [number] = /-?\d+(?:\.\d+)?/.exec(stdout) ?? [];
    if (number === undefined) throw new Error(`${program} printed no number: ${stdout}`);
    return Number(number);
  }
}
