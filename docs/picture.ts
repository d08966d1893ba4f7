import { writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { withServer } from './server.ts';

const TARGET = new URL('./picture.webp', import.meta.url);

/** Sample and query of each tile, as the server is asked and as it is printed below; `card` is 400 x 300. */
const TILES = [
  ['flower-macro.jpg', 'p=card'],
  ['flower-macro.jpg', 'p=card&zoom=3&mask=ellipse'],
  ['flower-macro.jpg', 'p=card&duo=1b1464,f9f871'],
  ['ladybug.jpg', 'p=card&fp=0.61,0.43&zoom=7'],
  ['ladybug.jpg', 'p=card&w=340&h=240&pad=30&bg=ffd700'],
  ['ladybug.jpg', 'p=card&fp=0.61,0.43&zoom=7&pix=16'],
] as const;

const COLUMNS = 3;
const TILE = { width: 400, height: 300, label: 44, gap: 20 };

const markup = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function label(query: string): Buffer {
  const { width, label: height } = TILE;
  const text = `<text x="${width / 2}" y="27" font-family="DejaVu Sans Mono, monospace" font-size="16" fill="#333" text-anchor="middle">${markup(query)}</text>`;
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${text}</svg>`,
  );
}

/** The server's own answers, as PNG so that the sheet is compressed once. */
function render(): Promise<Buffer[]> {
  return withServer({}, (app) =>
    Promise.all(
      TILES.map(async ([name, query]) => {
        const answer = await app.inject(`/img/samples/${name}?${query}&fmt=png`);
        if (answer.statusCode !== 200) throw new Error(`${query}: ${answer.body}`);
        return answer.rawPayload;
      }),
    ),
  );
}

async function sheet(tiles: readonly Buffer[]): Promise<Buffer> {
  const { width, height, label: caption, gap } = TILE;
  const rows = Math.ceil(tiles.length / COLUMNS);
  const layers = tiles.flatMap((input, at) => {
    const left = gap + (at % COLUMNS) * (width + gap);
    const top = gap + Math.floor(at / COLUMNS) * (height + caption);
    return [
      { input, left, top },
      { input: label(TILES[at]?.[1] ?? ''), left, top: top + height },
    ];
  });
  const size = { width: gap + COLUMNS * (width + gap), height: gap + rows * (height + caption) };
  const paper = sharp({ create: { ...size, channels: 4, background: '#ffffff' } });
  return paper.composite(layers).webp({ quality: 78, effort: 6 }).toBuffer();
}

await writeFile(TARGET, await sheet(await render()));
