// Runs inside the image, started by image-check.sh: text in drawings is letters, and letters without a glyph are told.
import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';

interface Server {
  readonly base: string;
  readonly token: string;
}

interface Drawn {
  /** Sum of all alpha, in pixels. */
  readonly ink: number;
  readonly pixels: Buffer;
  readonly warning: string | null;
}

const [, , base = '', token = ''] = process.argv;
const OWN_FONTS = 'node_modules/dejavu-fonts-ttf/ttf';
/** A letter of Chinese that DejaVu has not, in a plane that can be added at the end of a character map. */
const ADDED = 0x20000;

let count = 0;

async function draw({ base, token }: Server, text: string, style = ''): Promise<Drawn> {
  const id = `check/text-${count++}.svg`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 60"><text x="5" y="45" font-size="40" ${style}>${text}</text></svg>`;
  const body = new FormData();
  body.set('id', id);
  body.set('file', new Blob([svg], { type: 'image/svg+xml' }), 'text.svg');
  const headers = { authorization: `Bearer ${token}` };
  const upload = await fetch(`${base}/api/images`, { method: 'POST', headers, body });
  if (!upload.ok) throw new Error(`upload of a drawing: ${upload.status} ${await upload.text()}`);
  const answer = await fetch(`${base}/img/${id}?w=400&fmt=png`);
  if (!answer.ok) throw new Error(`drawing: ${answer.status} ${await answer.text()}`);
  const pixels = await sharp(await answer.arrayBuffer())
    .ensureAlpha()
    .raw()
    .toBuffer();
  let ink = 0;
  for (let index = 3; index < pixels.length; index += 4) ink += (pixels[index] ?? 0) / 255;
  return { ink, pixels, warning: answer.headers.get('x-image-warning') };
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** Boxes in place of letters have one size, whatever the letter. */
async function checkLetters(server: Server): Promise<void> {
  for (const [script, thin, thick] of [
    ['Latin', 'iii', 'WWW'],
    ['Greek', 'ιιι', 'ΩΩΩ'],
    ['Cyrillic', 'гггг', 'ЩЩЩЩ'],
  ] as const)
    for (const style of ['', 'font-weight="bold"', 'font-family="serif"', 'font-family="monospace"']) {
      const [narrow, wide] = [await draw(server, thin, style), await draw(server, thick, style)];
      check(narrow.ink > 50 && wide.ink > narrow.ink * 1.3, `${script} ${style}: not letters`);
      check(narrow.warning === null && wide.warning === null, `${script} ${style}: ${wide.warning}`);
    }
  const [plain, bold] = [await draw(server, 'Hamburg'), await draw(server, 'Hamburg', 'font-weight="bold"')];
  check(bold.ink > plain.ink * 1.2, 'bold is not bold');
  const [sans, serif, mono] = await Promise.all(
    ['Arial', 'Georgia', 'Courier'].map((family) => draw(server, 'Hamburg', `font-family="${family}"`)),
  );
  check(sans?.pixels.equals(serif?.pixels ?? Buffer.of()) === false, 'serif is sans');
  check(sans?.pixels.equals(mono?.pixels ?? Buffer.of()) === false, 'monospace is sans');
}

async function checkWarnings(server: Server): Promise<void> {
  for (const text of ['你好', '안녕', '🚀', 'Hello 你', String.fromCodePoint(ADDED)])
    check((await draw(server, text)).warning === 'missing-glyphs', `${text}: no warning`);
}

/** DejaVu under another name, whose last letters are of the plane of ADDED. */
async function houseFont(): Promise<Buffer> {
  const font = await readFile(`${OWN_FONTS}/DejaVuSans.ttf`);
  const name = (text: string) => Buffer.from(text, 'utf16le').swap16();
  for (const [from, to] of [
    [Buffer.from('DejaVu'), Buffer.from('Houses')],
    [name('DejaVu'), name('Houses')],
  ] as const)
    for (let place = font.indexOf(from); place >= 0; place = font.indexOf(from, place)) to.copy(font, place);
  for (let entry = 12; entry < 12 + 16 * font.readUInt16BE(4); entry += 16) {
    if (font.toString('latin1', entry, entry + 4) !== 'cmap') continue;
    const map = font.readUInt32BE(entry + 8);
    for (let record = map + 4; record < map + 4 + 8 * font.readUInt16BE(map + 2); record += 8) {
      const table = map + font.readUInt32BE(record + 4);
      if (font.readUInt16BE(table) !== 12) continue;
      const last = table + 16 + 12 * (font.readUInt32BE(table + 12) - 1);
      const length = font.readUInt32BE(last + 4) - font.readUInt32BE(last);
      font.writeUInt32BE(ADDED, last);
      font.writeUInt32BE(ADDED + length, last + 4);
    }
  }
  return font;
}

/** A second server of the same image, with a folder of fonts. */
async function withFonts(port: number, work: (server: Server) => Promise<void>): Promise<void> {
  const folder = `/tmp/check-${process.pid}`;
  await mkdir(`${folder}/fonts/house`, { recursive: true });
  await writeFile(`${folder}/fonts/house/House.ttf`, await houseFont());
  await cp(`${OWN_FONTS}/DejaVuSans.ttf`, `${folder}/fonts/Copy.ttf`);
  const env = { DATA_DIR: `${folder}/data`, FONTS_DIR: `${folder}/fonts`, PORT: `${port}` };
  const child = spawn(process.execPath, ['server/main.ts'], {
    env: { ...process.env, ...env, API_TOKEN_FILE: `${folder}/api.token` },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  try {
    const base = `http://127.0.0.1:${port}`;
    const isReady = () =>
      fetch(`${base}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    for (let tries = 0; tries < 120 && !(await isReady()); tries++) await pause(500);
    await work({ base, token: /^ {2}([\w-]{43})$/m.exec(said)?.[1] ?? '' });
  } finally {
    child.kill();
  }
}

const server = { base, token };
await checkLetters(server);
await checkWarnings(server);
const letter = String.fromCodePoint(ADDED);
const box = await draw(server, letter);
await withFonts(Number(new URL(base).port) + 1, async (other) => {
  const drawn = await draw(other, letter);
  check(drawn.warning === null && !drawn.pixels.equals(box.pixels), 'FONTS_DIR: its letters are not drawn');
  check((await draw(other, '你好')).warning === 'missing-glyphs', 'FONTS_DIR: no warning for what it lacks');
  await checkLetters(other);
});
process.stdout.write(`text: letters of three scripts in four styles, ${count} drawings; FONTS_DIR is used\n`);
