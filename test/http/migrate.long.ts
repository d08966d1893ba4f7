import sharp, { type Sharp } from 'sharp';
import t from 'tap';
import { pages } from '../support/markdown.ts';
import { bytesOf, startServer } from '../support/server.ts';

/** What the page says for something of another server, by its section. */
function rowsOf(section: string): Map<string, string> {
  const page = pages().get('docs/migrate.md') ?? '';
  const [, text = ''] = new RegExp(`<!-- generated: ${section} -->([\\s\\S]*?)<!-- end`).exec(page) ?? [];
  const rows = [...text.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)];
  return new Map(
    rows.map(([, there = '', here = '']) => [
      there,
      here === 'as it is' ? there : (/`([^`]+)`/.exec(here)?.[1] ?? ''),
    ]),
  );
}

const [WIDTH, HEIGHT] = [300, 200];
const within =
  (fit: 'cover' | 'contain' | 'fill' | 'inside' | 'outside', background = '#000') =>
  (picture: Sharp) =>
    picture.resize({ width: WIDTH, height: HEIGHT, fit, background, withoutEnlargement: true });
const turned = (degrees: number) => (picture: Sharp) => picture.rotate(degrees);

/**
 * What each server's own documentation says that its parameter does, as one call of libvips.
 *
 * @see https://docs.imgix.com/apis/rendering/size/resize-fit-mode, .../rotation/rotation (counter-clockwise);
 *      https://cloudinary.com/documentation/transformation_reference; https://docs.imgproxy.net/usage/processing;
 *      https://thumbor.readthedocs.io (rotate: counter-clockwise); DIT hands its query to sharp
 */
const MEANINGS: Readonly<Record<string, Readonly<Record<string, (picture: Sharp) => Sharp>>>> = {
  imgix: {
    'fit=crop': within('cover'),
    'fit=clip': within('inside'),
    'fit=max': within('inside'),
    'fit=min': within('cover'),
    'fit=scale': within('fill'),
    'fit=fill': within('contain', '#fff'),
    'rot=90': turned(-90),
    'flip=h': (picture) => picture.flop(),
    'rect=10,10,200,100': (picture) => picture.extract({ left: 10, top: 10, width: 200, height: 100 }),
  },
  dit: {
    'fit=cover': within('cover'),
    'fit=contain': within('contain', '#fff'),
    'fit=fill': within('fill'),
    'fit=inside': within('inside'),
    'fit=outside': within('outside'),
    'rotate=90': turned(90),
  },
  cloudinary: {
    'w_300,h_200,c_fill': within('cover'),
    'w_300,h_200,c_fit': within('inside'),
    'w_300,h_200,c_limit': within('inside'),
    'w_300,h_200,c_pad,b_white': within('contain', '#fff'),
    'w_300,h_200,c_scale': within('fill'),
    'x_10,y_10,w_200,h_100,c_crop': (picture) =>
      picture.extract({ left: 10, top: 10, width: 200, height: 100 }),
    a_90: turned(90),
    a_hflip: (picture) => picture.flop(),
  },
  imgproxy: {
    'rs:fill:300:200': within('cover'),
    'rs:fit:300:200': within('inside'),
    'rs:force:300:200': within('fill'),
    'rot:90': turned(90),
  },
  thumbor: {
    '300x200': within('cover'),
    'fit-in/300x200': within('inside'),
    '-300x200': (picture) => within('cover')(picture).flop(),
    '300x-200': (picture) => within('cover')(picture).flip(),
    '10x10:210x110': (picture) => picture.extract({ left: 10, top: 10, width: 200, height: 100 }),
    'filters:rotate(90)': turned(-90),
  },
};

/** Unlike in every corner and along both sides. */
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="500">
<defs><linearGradient id="a"><stop stop-color="#e33"/><stop offset="1" stop-color="#33e"/></linearGradient></defs>
<rect width="400" height="500" fill="url(#a)"/><rect width="400" height="120" fill="#2c2"/><rect width="90" height="500" fill="#dd2"/></svg>`;

/** Mean difference of two pictures of one size, in levels. */
async function difference(one: Buffer, other: Buffer): Promise<number> {
  const [a, b] = await Promise.all(
    [one, other].map((bytes) => sharp(bytes).flatten({ background: '#fff' }).raw().toBuffer()),
  );
  if (!a || !b || a.length !== b.length) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += Math.abs((a[index] ?? 0) - (b[index] ?? 0));
  return sum / a.length;
}

t.test(
  'what docs/migrate.md puts beside a parameter makes the picture that its own documentation tells',
  async (t) => {
    const server = await startServer();
    t.teardown(() => server.close());
    const original = await sharp(Buffer.from(SVG)).png().toBuffer();
    await server.put('a.png', original);
    for (const [section, meanings] of Object.entries(MEANINGS)) {
      const rows = rowsOf(section);
      for (const [there, meaning] of Object.entries(meanings)) {
        const here = rows.get(there) ?? '';
        const box = /^fit=/.test(here) ? `&w=${WIDTH}&h=${HEIGHT}` : '';
        const answer = await server.get(`/img/a.png?${here}${box}&fmt=png`);
        t.equal(answer.status, 200, `${section}: ${there} is ${here}`);
        const made = await bytesOf(answer);
        const wanted = await meaning(sharp(original)).png().toBuffer();
        const [size, told] = await Promise.all([made, wanted].map((bytes) => sharp(bytes).metadata()));
        t.same([size?.width, size?.height], [told?.width, told?.height], `${section}: ${there}: size`);
        const levels = await difference(made, wanted);
        t.ok(levels < 3, `${section}: ${there}: ${levels.toFixed(2)} levels`);
      }
    }
  },
);
