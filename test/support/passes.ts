import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { Handover, Size } from '../../server/core/operations/operation.ts';
import { readQuery, readTransformation } from '../../server/core/operations/transformation.ts';
import { FORMAT_TABLE } from '../../server/core/plan/formats.ts';
import { storedRegion } from '../../server/core/plan/geometry-steps.ts';
import type { Plan, PlanOptions } from '../../server/core/plan/plan.ts';
import { makePlan } from '../../server/core/plan/plan.ts';
import { placeholder } from '../../server/core/render/placeholder.ts';
import { openOriginal, render } from '../../server/core/render/render.ts';
import { resolvePlan } from '../../server/core/render/resolve.ts';
import { difference, drawn, LIMITS, pixels } from './pictures.ts';

/** What decides size, crop and turns; the number in front is the EXIF orientation of the original. */
export const HEADS = [
  '1 ',
  '1 w=60',
  '1 w=150&up',
  '1 w=50&h=40&fit=cover',
  '1 w=60&h=20&fit=cover&g=ne',
  '1 w=70&h=70&fit=cover&fp=0.2,0.9&zoom=1.4',
  '1 ar=2',
  '1 ar=1&rot=90',
  '1 w=50&h=20&fit=cover&g=attention',
  '1 w=20&h=40&fit=cover&g=entropy',
  '1 w=50&h=20&fit=cover&g=attention&rot=90',
  '1 w=30&h=40&fit=cover&g=entropy&rot=270&flip=h',
  '1 w=50&h=20&fit=cover&g=attention&flip=v',
  '1 w=20&h=40&fit=cover&g=attention&flip=h',
  '1 w=30&h=60&fit=cover&g=e&flip=h',
  '1 w=50&h=50&fit=contain&g=s',
  '1 w=50&h=50&fit=contain&g=e&rot=90',
  '1 trim&w=50',
  '1 trim&w=30&h=30&fit=cover',
  '1 rect=5,7,60,40&w=40&h=40&fit=cover',
  '1 rect=5,7,60,40&rot=270',
  '0 ',
  '0 w=60',
  '0 w=50&h=40&fit=cover',
  '0 w=50&h=50&fit=contain',
  '0 w=40&h=20&fit=cover&g=entropy',
  '0 trim&rot=15&w=60',
  '1 w=60&rot=30',
  '1 w=40&h=30&fit=cover&rot=33&flip=h',
  ...[2, 3, 4, 5, 6, 7, 8].flatMap((turned) => [
    `${turned} w=40`,
    `${turned} w=40&h=30&fit=cover`,
    `${turned} w=40&h=20&fit=cover&g=attention`,
    `${turned} w=40&h=40&fit=contain&flip=h`,
    `${turned} ar=1`,
  ]),
] as const;

export const TAILS = [
  '',
  'pad=3,5,7,9',
  'border=4,f00',
  'pad=10&border=5,f00',
  'mask=ellipse',
  'r=9',
  'r=9&pad=4',
  'wm=a',
  'wm=a&border=2,00f',
  'wm=a&wmt&wm2=a&wm2g=nw&pad=2',
  'blur=2',
  'sat=40&con=10',
  'bri=20&hue=90',
  'sepia=70&tint=2e8b57',
  'gam=1.8&duo=1b1464,f9f871',
  'norm&gray',
  'median=3&inv&pad=2',
  'sharp=1&pix=5&border=3,0f0',
  'bg=ffd700&pad=6',
  'bg=ffd70080&mask=ellipse&pad=2,0,0,2',
] as const;

export const OUTPUTS = [
  'fmt=png',
  'fmt=webp',
  'fmt=avif&effort=fast',
  'fmt=jpeg',
  'fmt=png&mb=4k',
  'fmt=webp&mb=3k',
  'ph=thumbhash',
  'ph=blurhash',
  'ph=color',
  'ph=lqip',
  'anim fmt=webp&lossless',
  'anim fmt=gif',
] as const;

export interface Trial {
  readonly head: string;
  readonly tail: string;
  readonly output: string;
}

const WIDTH = 100;
const HEIGHT = 70;

/** Landmarks, a spot that draws attention off the middle, and a border to trim. */
const scene = (x: number, y: number, frame = 0): number[] => {
  if (x < 4 || y < 6 || x >= WIDTH - 8 || y >= HEIGHT - 3) return [250, 250, 250];
  if (Math.hypot(x - 75 + frame * 9, y - 20) < 9) return [255, 40, 20];
  // Every frame is another one wherever it is cut: encoders join those that are alike.
  return [x * 2, 255 - y * 3 - frame * 20, (x * y) % 160 < 80 ? 60 : 140];
};

interface Originals {
  readonly still: ReadonlyMap<string, Buffer>;
  readonly clear: Buffer;
  readonly moving: Buffer;
  readonly watermark: Buffer;
}

export async function makeOriginals(): Promise<Originals> {
  const upright = await drawn(WIDTH, HEIGHT, (x, y) => scene(x, y));
  const turned = ['1', '2', '3', '4', '5', '6', '7', '8'].map(async (orientation) => {
    const image = sharp(upright).withMetadata({ orientation: Number(orientation) });
    return [orientation, await image.jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer()] as const;
  });
  const frames = [0, 1, 2].map((frame) => drawn(WIDTH, HEIGHT, (x, y) => scene(x, y, frame)));
  return {
    still: new Map(await Promise.all(turned)),
    clear: await drawn(WIDTH, HEIGHT, (x, y) => [...scene(x, y), x + y < 60 ? 120 : 255]),
    moving: await sharp(await Promise.all(frames), { join: { animated: true } })
      .webp({ lossless: true })
      .toBuffer(),
    watermark: await drawn(20, 10, (x) => [255, x * 10, 0]),
  };
}

/** The picture after a call, whatever sharp says of its size: a file tells its own. */
async function alone(image: Sharp): Promise<{ image: Sharp; size: Size }> {
  const file = await image.toColourspace('srgb').png({ compressionLevel: 0 }).toBuffer();
  const size = { width: file.readUInt32BE(16), height: file.readUInt32BE(20) };
  return { image: sharp(file), size };
}

const apiece: Handover = async (image) => (await alone(image)).image;

async function frameApart(bytes: Buffer, page: number, plan: Plan): Promise<Sharp> {
  let { image, size } = await alone(sharp(bytes, { page }));
  const region = storedRegion(plan);
  if (region) ({ image, size } = await alone(image.extract(region)));
  for (const step of plan.steps) ({ image, size } = await alone(await step.apply(image, size, apiece)));
  return image;
}

const encodedAs = (image: Sharp, { format, settings }: Plan): Promise<Buffer> =>
  FORMAT_TABLE[format].encode(image, settings).toBuffer();

async function rawOf(image: Sharp) {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const channels = info.channels === 4 ? (4 as const) : (3 as const);
  return { data, width: info.width, height: info.height, channels };
}

/**
 * Texts of placeholders that stand for one picture: half of their digits may be moved by rounding; the most frequent
 * colour is one of steps of 16.
 */
function alike(a: string, b: string): boolean {
  const bands = (text: string) => [1, 3, 5].map((start) => Number.parseInt(text.slice(start, start + 2), 16));
  if (a.startsWith('#') && b.startsWith('#'))
    return bands(a).every((band, index) => Math.abs(band - (bands(b)[index] ?? 0)) <= 16);
  return (
    a.length === b.length && [...a].filter((letter, index) => letter !== b[index]).length <= a.length / 2
  );
}

/** What is wrong with a picture of the product beside the same steps in passes of their own; undefined: nothing. */
export async function wrongIn(
  { head, tail, output }: Trial,
  originals: Originals,
): Promise<string | undefined> {
  const [orientation = '1', geometry = ''] = head.split(' ');
  const moves = output.startsWith('anim ');
  const bytes = moves ? originals.moving : (originals.still.get(orientation) ?? originals.clear);
  const query = [geometry, tail, output.replace('anim ', '')].filter(Boolean).join('&');
  const opened = await openOriginal(bytes);
  const options: PlanOptions = {
    priority: 'live',
    limits: LIMITS,
    watermark: originals.watermark,
    watermark2: originals.watermark,
  };
  const first = makePlan(opened.source, readTransformation(readQuery(query, {}).canonical), options);
  const pass = { timeoutSeconds: 20 };
  const request = { opened, options, maxPixels: LIMITS.maxPixels, pass, now: () => 0 };
  const plan = await resolvePlan({ ...request, plan: first });
  const rendered = await render({ ...request, plan: first });
  const pages = moves ? [0, 1, 2] : [0];
  const expected: Sharp[] = [];
  for (const page of pages) expected.push(await frameApart(bytes, page, plan));
  const [still = sharp(bytes)] = expected;
  if (plan.values.ph) {
    const text = await placeholder(plan.values.ph, await rawOf(still));
    if (plan.values.ph === 'lqip') return undefined;
    return alike(text, rendered.bytes.toString()) ? undefined : `${text}, not ${rendered.bytes}`;
  }
  for (const [page, image] of expected.entries()) {
    const shown = await pixels(rendered.bytes, { page });
    const size = `${shown.width} x ${shown.height}`;
    if (size !== `${rendered.size?.width} x ${rendered.size?.height}`)
      return `is ${size}, said ${rendered.size?.width} x ${rendered.size?.height}`;
    const clear = FORMAT_TABLE[plan.format].alpha;
    const wanted = await pixels(
      await (clear ? image : image.flatten({ background: '#ffffff' })).png().toBuffer(),
    );
    if (size !== `${wanted.width} x ${wanted.height}`)
      return `is ${size}, not ${wanted.width} x ${wanted.height}`;
    const coded = plan.values.mb
      ? wanted
      : await pixels(
          await encodedAs(sharp(await image.png().toBuffer()), {
            ...plan,
            settings: { ...plan.settings, delay: [] },
          }),
        );
    const apart = difference(shown, coded);
    if (apart > (plan.values.mb ? 20 : plan.format === 'gif' ? 6 : 3)) return `is ${apart.toFixed(1)} apart`;
  }
  return undefined;
}
