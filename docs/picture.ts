import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import sharp from 'sharp';
import { putFile } from '../server/cli/put.ts';
import { composeServer } from '../server/compose/server.ts';
import { openStores } from '../server/compose/stores.ts';
import { loadConfig } from '../server/config/settings.ts';
import { buildApp } from '../server/http/app.ts';
import type { Stores } from '../server/stores/contracts.ts';

const SAMPLES = fileURLToPath(new URL('../samples/', import.meta.url));
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
async function render(stores: Stores, config: ReturnType<typeof loadConfig>): Promise<Buffer[]> {
  const log = pino({ level: 'silent' });
  const composed = composeServer(config, stores, { log, version: '0', isDraining: () => false });
  const app = await buildApp(composed.deps);
  try {
    return await Promise.all(
      TILES.map(async ([name, query]) => {
        const answer = await app.inject(`/img/samples/${name}?${query}&fmt=png`);
        if (answer.statusCode !== 200) throw new Error(`${query}: ${answer.body}`);
        return answer.rawPayload;
      }),
    );
  } finally {
    await app.close();
    await composed.images.settle();
    composed.core.sandbox.close();
  }
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

const folder = await mkdtemp(join(tmpdir(), 'rendition-'));
const config = loadConfig({ DATA_DIR: folder });
const stores = await openStores(config);
try {
  for (const name of await readdir(SAMPLES))
    if (!name.endsWith('.md')) await putFile(stores, join(SAMPLES, name), `samples/${name}`);
  await writeFile(TARGET, await sheet(await render(stores, config)));
} finally {
  stores.close();
  await rm(folder, { recursive: true, force: true });
}
