import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { av1CodePoints } from '../../../../server/core/original/av1.ts';
import { readAvifColour, withAvifProfile } from '../../../../server/core/original/avif.ts';
import { readExif } from '../../../../server/core/original/exif.ts';
import { clearingToTransparent } from '../../../../server/core/original/gif.ts';
import { isUsableProfile } from '../../../../server/core/original/icc-read.ts';
import { readJpegHeader } from '../../../../server/core/original/jpeg.ts';
import { webpKind } from '../../../../server/core/original/lossy-quality.ts';
import { readPngColour } from '../../../../server/core/original/png.ts';
import { corpusPath } from '../../../support/corpus.ts';
import { sampler } from '../../../support/sample.ts';

/** Nobody reads it; a real one would be copied ten thousand times. */
const profile = Buffer.alloc(500, 'profile');

/** What reads the bytes of an original in this program's own code, by the ending of the files that it reads. */
const READERS: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  avif: (bytes) => [
    readAvifColour(bytes),
    withAvifProfile(bytes, profile),
    av1CodePoints(bytes.subarray(-600)),
  ],
  gif: (bytes) => clearingToTransparent(bytes),
  webp: (bytes) => webpKind(bytes),
  png: (bytes) => readPngColour(bytes, (found) => isUsableProfile(found, 'rgb')),
  jpg: (bytes) => [readJpegHeader(bytes), readExif(bytes.subarray(12))],
};

/** Heads are where the lengths stand that an attacker writes. */
const HEAD_BYTES = 800;
const VALUES = [0, 1, 2, 0x7f, 0xff];
const FOLDERS = ['animated', 'bombs', 'colour', 'corrupt', 'exif', 'formats', 'sizes'];
/** Of a kind: the smallest say most for their time. */
const FILES = 4;
const sampled = sampler();

function filesOf(ending: string): string[] {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(corpusPath(folder))
      .filter((name) => name.endsWith(`.${ending}`))
      .map((name) => corpusPath(join(folder, name))),
  );
  const sizes = new Map(files.map((file) => [file, readFileSync(file).length]));
  return files.sort((a, b) => (sizes.get(a) ?? 0) - (sizes.get(b) ?? 0)).slice(0, FILES);
}

/** Every byte of the head set to what breaks lengths and flags, and every cut of the head. */
function* mutants(bytes: Buffer): Generator<[what: string, bytes: Buffer]> {
  const head = Math.min(bytes.length, HEAD_BYTES);
  for (let length = 0; length < head; length++) yield [`cut at ${length}`, bytes.subarray(0, length)];
  for (let place = 0; place < head; place++) {
    for (const value of sampled(VALUES, 3)) {
      const mutant = Buffer.from(bytes.subarray(0, 4 * HEAD_BYTES));
      mutant[place] = value;
      yield [`${place} = ${value}`, mutant];
    }
  }
}

for (const [ending, read] of Object.entries(READERS)) {
  t.test(`no byte of a ${ending} makes our own readers throw or read on for ever`, async (t) => {
    const files = filesOf(ending);
    t.ok(files.length > 0);
    for (const file of files) {
      const thrown: string[] = [];
      for (const [what, bytes] of mutants(readFileSync(file))) {
        try {
          read(bytes);
        } catch (error) {
          thrown.push(`${what}: ${error}`);
        }
      }
      t.same(
        thrown.slice(0, 3),
        [],
        `${file.split('/').slice(-2).join('/')}: ${thrown.length} mutants throw`,
      );
    }
  });
}
