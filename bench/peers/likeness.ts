import sharp from 'sharp';
import { along, bytesAt, likeness, type Point, quality, rising } from '../curve.ts';
import { reference } from '../photographs.ts';
import type { Ssimulacra2 } from '../ssimulacra2.ts';
import { encodeBare } from './bare.ts';
import type { Lossy, Peer } from './contestants.ts';
import { ask, type Original } from './ours.ts';

/** imgproxy's own settings of its encoders, by sharp: what it costs at the least, also where it is not installed. */
export const STAND_IN = "sharp with imgproxy's settings";

/** Whoever makes one picture at a quality of its own, or at its default. */
export interface Maker {
  readonly name: string;
  make(photo: Original, format: Lossy, quality?: number): Promise<Buffer>;
}

export const maker = (peer: Peer, port: number, width: number): Maker => ({
  name: peer.name,
  make: ({ file }, format, wanted) =>
    ask(port, peer.pathOf({ file, width, format, ...(wanted !== undefined && { quality: wanted }) })),
});

/** What imgproxy has where nothing is said: 80, and 79 and 63 for WebP and AVIF. */
const IMGPROXY_QUALITY = { jpeg: 80, webp: 79, avif: 63 } as const;

export const standIn = (width: number): Maker => ({
  name: STAND_IN,
  make: ({ path }, format, wanted = IMGPROXY_QUALITY[format]) => {
    const image = sharp(path).autoOrient().resize({ width, withoutEnlargement: true });
    return encodeBare(image, { format, settings: 'imgproxy', quality: wanted }).toBuffer();
  },
});

const QUALITIES: Readonly<Record<Lossy, readonly number[]>> = {
  jpeg: [55, 70, 80, 90],
  webp: [50, 68, 80, 90],
  avif: [42, 52, 62, 74],
};

export interface Scored {
  readonly bytes: number;
  readonly score: number;
}

/** Of one photograph in one format. */
export interface Likeness {
  /** Of a request, and of what the warmer makes of it later. */
  readonly first: Scored;
  readonly later: Scored;
  readonly others: Readonly<Record<string, Other>>;
}

interface Other {
  readonly byDefault: Scored;
  /** Its quality that looks like our first answer, whole. */
  readonly quality: number;
  /** Bytes of what looks like our first answer, and like the later one. */
  readonly asFirst: number;
  readonly asLater: number;
}

export interface Question {
  readonly photo: Original;
  readonly format: Lossy;
  readonly width: number;
}

type Scores = (bytes: Buffer) => Promise<Scored>;

async function otherOf(
  maker: Maker,
  { photo, format }: Question,
  scored: Scores,
  ours: readonly [Scored, Scored],
): Promise<Other> {
  const points: Point[] = [];
  for (const wanted of QUALITIES[format])
    points.push({ quality: wanted, ...(await scored(await maker.make(photo, format, wanted))) });
  const curve = rising(points);
  const [first, later] = ours;
  return {
    byDefault: await scored(await maker.make(photo, format)),
    quality: Math.max(1, Math.min(100, Math.round(along(curve, likeness, first.score, quality)))),
    asFirst: bytesAt(curve, first.score),
    asLater: bytesAt(curve, later.score),
  };
}

/** How our answers look and weigh, and what weighs as much elsewhere as looks the same. */
export async function likenessOf(
  question: Question,
  ours: readonly [first: Buffer, later: Buffer],
  others: readonly Maker[],
  scores: Ssimulacra2,
): Promise<Likeness> {
  const original = await reference(question.photo.path, question.width);
  const scored: Scores = async (bytes) => ({
    bytes: bytes.length,
    score: await scores.score(original, bytes),
  });
  const [first, later] = [await scored(ours[0]), await scored(ours[1])];
  const found: Record<string, Other> = {};
  for (const other of others) found[other.name] = await otherOf(other, question, scored, [first, later]);
  return { first, later, others: found };
}
