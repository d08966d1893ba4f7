import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { inSrgb, type Told } from '../support/color-arithmetic.ts';
import { corpusPath, heicRows } from '../support/corpus.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { bytesOf, startServer, type TestServer } from '../support/server.ts';

const python = process.env['PILLOW_PYTHON'] ?? 'python3';
const found = spawnSync(python, ['-c', 'import pillow_heif, numpy']);
const skip = found.status === 0 ? false : `${python} has not both: pip install pillow-heif numpy`;

/** A file, and what pillow-heif makes of it. */
interface Decoded {
  readonly path: string;
  readonly name?: string;
  /** Primaries and transfer that the file says beside its pixels. */
  readonly cicp?: readonly [number, number] | null;
  /** Why it makes nothing of it. */
  readonly error?: string;
  readonly width?: number;
  readonly height?: number;
  /** Whether it is the image that the file names; where that one is of a kind that it cannot list it takes the next. */
  readonly isPrimary?: boolean;
  /** Its pixels, 16 bits of RGBA. */
  readonly out: string;
}

function pillow(asked: object): Decoded[] {
  const script = fileURLToPath(new URL('../support/pillow.py', import.meta.url));
  const input = JSON.stringify(asked);
  const { stdout, stderr, status } = spawnSync(python, [script], { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const SPACES: Readonly<Record<number, Told['space']>> = { 1: 'srgb', 9: 'bt2020', 12: 'p3' };
const TRANSFERS: Readonly<Record<number, Told['transfer']>> = { 16: 'pq', 18: 'hlg' };
const PLAIN: Told = { space: 'srgb', transfer: 'srgb' };

function toldOf(cicp: Decoded['cicp']): Told {
  if (!cicp) return PLAIN;
  return { space: SPACES[cicp[0]] ?? 'srgb', transfer: TRANSFERS[cicp[1]] ?? 'srgb' };
}

/** Of ours in 8 bits: mean of the differences that can be seen, 0-255; and the share of pixels that differ by more than 8. */
function differences(ours: Buffer, theirs: Uint16Array, told: Told): { mean: number; far: number } {
  let [sum, far] = [0, 0];
  const sample = (index: number) => (theirs[index] ?? 0) / 65_535;
  for (let index = 0; index < ours.length; index += 4) {
    const code = [sample(index), sample(index + 1), sample(index + 2)] as const;
    const alpha = sample(index + 3);
    const shown = told === PLAIN ? code.map((value) => value * 255) : inSrgb(code, told);
    const most = Math.max(
      Math.abs((ours[index + 3] ?? 0) - alpha * 255),
      ...shown.map((value, band) => Math.abs((ours[index + band] ?? 0) - value) * alpha),
    );
    sum += most;
    if (most > 8) far += 1;
  }
  return { mean: sum / (ours.length / 4), far: far / (ours.length / 4) };
}

async function compare(t: Test, server: TestServer, decoded: Decoded, name: string): Promise<void> {
  await server.put(name, await readFile(decoded.path));
  const answer = await server.get(`/img/${encodeURIComponent(name)}?fmt=png`);
  if (decoded.error !== undefined) {
    t.ok([415, 422].includes(answer.status), `${name}: ${answer.status}, as there: ${decoded.error}`);
    return;
  }
  t.equal(answer.status, 200, name);
  const image = sharp(await bytesOf(answer))
    .toColourspace('srgb')
    .ensureAlpha();
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const { width, height } = decoded;
  if (!decoded.isPrimary) {
    t.pass(`${name}: another image there, ${width} x ${height}; ours is ${info.width} x ${info.height}`);
    return;
  }
  t.match(info, { width, height }, name);
  const raw = await readFile(decoded.out);
  const told = toldOf(decoded.cicp);
  const { mean, far } = differences(data, new Uint16Array(raw.buffer, raw.byteOffset, raw.length / 2), told);
  // Light is bent by a table, which source-color.test.ts holds to the standards; unread, these would be off by 40.
  const [most, mostFar] = TRANSFERS[decoded.cicp?.[1] ?? 0] ? [3, 0.07] : [1.2, 0.001];
  t.ok(
    mean < most && far < mostFar,
    `${name}: off by ${mean.toFixed(3)}, ${(far * 100).toFixed(3)} % far off`,
  );
}

async function started(t: Test): Promise<{ server: TestServer; folder: string }> {
  const folder = await temporaryFolder();
  const server = await startServer();
  t.teardown(async () => {
    await server.close();
    await removeFolder(folder);
  });
  return { server, folder };
}

t.test('every HEIC of the corpus is the picture of pillow-heif, or refused', { skip }, async (t) => {
  const { server, folder } = await started(t);
  const files = heicRows().map(({ file }) => file);
  const decoded = pillow({ folder, paths: files.map(corpusPath) });
  t.equal(decoded.length, 26);
  for (const [index, file] of files.entries())
    await compare(t, server, decoded[index] ?? { path: '', out: '' }, file);
});

t.test(
  'bits, bands, turns, mirrors, tiles, chroma and code points, all with each other',
  { skip },
  async (t) => {
    const { server, folder } = await started(t);
    const decoded = pillow({ folder, matrix: true });
    t.equal(decoded.length, 72);
    for (const one of decoded) {
      t.equal(one.error, undefined);
      await compare(t, server, one, `${one.name} ${one.cicp ?? ''}`);
    }
  },
);
