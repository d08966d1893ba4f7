import { readFileSync } from 'node:fs';
import { corpusPath, corpusRows } from '../support/corpus.ts';
import { seeded } from '../support/seeded.ts';

/** Small ones: the heads and tables that decoders trip over are the same in large ones. */
const MAX_BYTES = 60_000;
/** Beyond it a file is a bomb by itself, and takes the time of a hundred others. */
const MAX_PIXELS = 2_000_000;
/** What lengths and counts break at. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];
/** Where most of what a file says of itself stands. */
const HEAD_BYTES = 600;

export interface Mutant {
  /** From which file and what of, to have it again. */
  readonly name: string;
  readonly bytes: Buffer;
}

interface Seed {
  readonly file: string;
  readonly kind: string;
  readonly bytes: Buffer;
}

/** Files of the corpus, of all formats that are decoded, drawings too. */
function seeds(): Seed[] {
  return corpusRows()
    .filter(
      ({ bytes, width, height }) => Number(bytes) < MAX_BYTES && Number(width) * Number(height) < MAX_PIXELS,
    )
    .map(({ file }) => ({
      file,
      kind: file.split('.').at(-1) ?? '',
      bytes: readFileSync(corpusPath(file)),
    }))
    .filter(({ bytes }) => bytes.length > 0);
}

type Change = (bytes: Buffer, random: () => number, other: Buffer) => Buffer;

const within = (length: number, random: () => number): number => Math.floor(random() * length);
/** A place in the head as often as anywhere. */
const placeIn = (bytes: Buffer, random: () => number): number =>
  within(random() < 0.5 ? Math.min(HEAD_BYTES, bytes.length) : bytes.length, random);

const CHANGES: Readonly<Record<string, Change>> = {
  flip: (bytes, random) => {
    const place = placeIn(bytes, random);
    bytes.writeUInt8(bytes.readUInt8(place) ^ (1 << within(8, random)), place);
    return bytes;
  },
  edge: (bytes, random) => {
    bytes[placeIn(bytes, random)] = EDGES[within(EDGES.length, random)] ?? 0;
    return bytes;
  },
  long: (bytes, random) => {
    if (bytes.length >= 4)
      bytes.writeUInt32BE(Math.floor(random() * 2 ** 32), within(bytes.length - 3, random));
    return bytes;
  },
  cut: (bytes, random) => bytes.subarray(0, within(bytes.length, random)),
  drop: (bytes, random) => {
    const place = placeIn(bytes, random);
    return Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1 + within(64, random))]);
  },
  repeat: (bytes, random) => {
    const place = placeIn(bytes, random);
    const part = bytes.subarray(place, place + 1 + within(256, random));
    return Buffer.concat([bytes.subarray(0, place), part, part, bytes.subarray(place)]);
  },
  noise: (bytes, random) => {
    const place = placeIn(bytes, random);
    for (let index = place; index < Math.min(bytes.length, place + 16); index++)
      bytes[index] = within(256, random);
    return bytes;
  },
  /** The head of one and the body of another of its kind. */
  splice: (bytes, random, other) =>
    Buffer.concat([bytes.subarray(0, placeIn(bytes, random)), other.subarray(placeIn(other, random))]),
};

/** Files of which each is broken in one to four ways. */
export function* mutants(count: number, seed: number): Generator<Mutant> {
  const random = seeded(seed);
  const all = seeds();
  const names = Object.keys(CHANGES);
  for (let made = 0; made < count; made++) {
    const chosen = all[made % all.length];
    if (!chosen) return;
    const alike = all.filter(({ kind }) => kind === chosen.kind);
    let bytes: Buffer = Buffer.from(chosen.bytes);
    const changes: string[] = [];
    // One change alone gets furthest into a decoder.
    const most = random() < 0.6 ? 1 : 4;
    for (let times = 1 + within(most, random); times > 0 && bytes.length > 0; times--) {
      const name = names[within(names.length, random)] ?? 'flip';
      const other = alike[within(alike.length, random)] ?? chosen;
      bytes = Buffer.from(CHANGES[name]?.(bytes, random, other.bytes) ?? bytes);
      changes.push(name);
    }
    yield { name: `${made} ${chosen.file} (${changes.join(' ')})`, bytes };
  }
}
