import { createHash } from 'node:crypto';
import { mkdir, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { openRendering } from '../../server/compose/rendering.ts';
import { readJpegHeader } from '../../server/core/original/jpeg.ts';
import type { PoolEvent } from '../../server/sandbox/pool.ts';
import type { OriginalRef, RenderSpec } from '../../server/sandbox/protocol.ts';
import { isProblem } from '../../server/shared/errors.ts';
import { corpus } from '../support/corpus.ts';
import { type Mutant, mutants } from './mutants.ts';

const LIMITS = { maxPixels: 4_000_000, maxFrames: 50 };
/** Patient: a machine that does much else is no fault of a picture. Memory is that of the service. */
const TASK = { maxCpuMs: 20_000, maxWallMs: 300_000, maxResidentBytes: 2 ** 30 };
const AT_ONCE = 2;
/** Between two looks at a picture that is well. */
const LOOK_EVERY = 40;
/** What may be said of an original: that it is none, damaged, too much, or cannot be drawn. */
const VERDICTS = [415, 422];

const spec = (canonical: string): RenderSpec => ({
  canonical,
  priority: 'live',
  limits: LIMITS,
  timeoutSeconds: 60,
});

export interface ImageReport {
  readonly rendered: number;
  /** Refusals by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** How many processes ended by whose fault. */
  readonly ends: Readonly<Record<string, number>>;
  /** JPEGs whose head our own reader and libvips both read. */
  readonly compared: number;
  readonly faults: readonly string[];
}

/**
 * Opens and renders broken files in render processes. Each is rendered or refused by a verdict on itself; what crashes or
 * fills a process costs nobody else anything; and our reader of JPEGs says what libvips says, or nothing.
 *
 * @param keepIn  folder for the files of faults
 */
export async function fuzzImages(count: number, seed: number, keepIn?: string): Promise<ImageReport> {
  const ends: Record<string, number> = {};
  const onEvent = ({ kind }: PoolEvent) => {
    ends[kind] = (ends[kind] ?? 0) + 1;
  };
  const settings = { renderSlots: AT_ONCE, renderNice: 0 };
  const rendering = await openRendering(settings, { scratchParent: tmpdir() }, onEvent);
  const run = new Run(rendering, keepIn);
  try {
    await run.over(mutants(count, seed));
    return { ...run.report(), ends };
  } finally {
    await rendering.close();
  }
}

class Run {
  readonly #rendering: Awaited<ReturnType<typeof openRendering>>;
  readonly #keepIn: string | undefined;
  readonly #refused: Record<string, number> = {};
  readonly #faults: string[] = [];
  #well: string | undefined;
  #rendered = 0;
  #compared = 0;

  constructor(rendering: Awaited<ReturnType<typeof openRendering>>, keepIn: string | undefined) {
    this.#rendering = rendering;
    this.#keepIn = keepIn;
  }

  report() {
    return {
      rendered: this.#rendered,
      refused: this.#refused,
      compared: this.#compared,
      faults: this.#faults,
    };
  }

  async over(all: Generator<Mutant>): Promise<void> {
    let turn = 0;
    const lane = async () => {
      for (const mutant of all) {
        await this.#render(mutant);
        await this.#compare(mutant);
        turn += 1;
        if (turn % LOOK_EVERY === 0) await this.#lookAtNeighbour(mutant);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  }

  async #render(mutant: Mutant): Promise<void> {
    try {
      await this.#inProcess(mutant.bytes);
      this.#rendered += 1;
    } catch (error) {
      if (!isProblem(error)) return this.#fault(mutant, `${error}`);
      this.#refused[error.code] = (this.#refused[error.code] ?? 0) + 1;
      if (!VERDICTS.includes(error.status)) await this.#fault(mutant, `${error.code}: ${error.detail}`);
    }
  }

  /** As an upload and a first visitor do it. */
  async #inProcess(bytes: Buffer): Promise<Buffer> {
    const { pool, scratch } = this.#rendering;
    const original: OriginalRef = { path: scratch.path(), bytes: bytes.length };
    await writeFile(original.path, bytes);
    try {
      await pool.run('open', { original }, TASK);
      const form = spec('fmt=webp&h=48&w=48');
      return (await pool.run('render', { original, spec: form }, TASK)).bytes;
    } finally {
      await unlink(original.path);
    }
  }

  /** Whoever is rendered beside and after broken files gets the same bytes as ever. */
  async #lookAtNeighbour(mutant: Mutant): Promise<void> {
    const bytes = await this.#inProcess(await corpus('exif/landscape-6.jpg'));
    const digest = createHash('md5').update(bytes).digest('hex');
    this.#well ??= digest;
    if (digest !== this.#well) await this.#fault(mutant, 'a picture that is well is another one behind it');
  }

  async #compare(mutant: Mutant): Promise<void> {
    const { bytes } = mutant;
    const ours = bytes[0] === 0xff ? readJpegHeader(bytes) : undefined;
    if (!ours) return;
    const theirs = await sharp(bytes, { failOn: 'warning', limitInputPixels: false })
      .metadata()
      .catch(() => undefined);
    // What libvips refuses is refused when it is decoded.
    if (!theirs) return;
    this.#compared += 1;
    const sayings = (header: typeof ours | typeof theirs) =>
      [header.width, header.height, header.space, header.orientation ?? 1, header.hasProfile].join(' ');
    if (sayings(ours) !== sayings(theirs))
      await this.#fault(mutant, `our reader says ${sayings(ours)}, libvips ${sayings(theirs)}`);
  }

  async #fault({ name, bytes }: Mutant, what: string): Promise<void> {
    this.#faults.push(`${name}: ${what}`);
    if (this.#keepIn === undefined) return;
    await mkdir(this.#keepIn, { recursive: true });
    await writeFile(join(this.#keepIn, name.replace(/[^A-Za-z0-9.]+/g, '-')), bytes);
  }
}
