/** One picture in three formats, each measured against the same picture without loss. */
import { problemOf } from './api.js';
import { fetchPicture } from './picture.js';
import { addressesOf } from './signing.js';
import { current, update } from './store.js';

const FORMATS = ['avif', 'webp', 'jpeg'];

/** Pixels that are compared at most: SSIM of 16 megapixels would stop the page for seconds. */
const MOST_PX = 1_000_000;

let asked = '';
let running = new AbortController();

/** Loads them once for each picture and query. */
export async function loadFormats() {
  const { id, params } = current();
  const key = JSON.stringify([id, params]);
  if (key === asked) return;
  asked = key;
  running.abort();
  running = new AbortController();
  const { signal } = running;
  update({ formats: { isBusy: true, items: [] } });
  try {
    const items = await measure(id, params, signal);
    if (!signal.aborted) update({ formats: { isBusy: false, items } });
  } catch (error) {
    if (!signal.aborted) update({ formats: { isBusy: false, items: [], problem: problemOf(error) } });
  }
}

async function measure(id, params, signal) {
  const { fmt: _fmt, lossless: _lossless, dl: _dl, ...rest } = params;
  const { q: _q, mb: _mb, chroma: _chroma, effort: _effort, ...plain } = rest;
  const asked = [[id, { ...plain, fmt: 'png' }], ...FORMATS.map((fmt) => [id, { ...rest, fmt }])];
  const addresses = await addressesOf(asked);
  const [reference, ...pictures] = await Promise.all(
    addresses.map((address) => fetchPicture(address, signal)),
  );
  const truth = await pixelsOf(reference.blob);
  const most = Math.max(...pictures.map(({ blob }) => blob.size));
  return Promise.all(
    pictures.map(async ({ blob, headers, ms }, index) => ({
      format: FORMATS[index],
      src: URL.createObjectURL(blob),
      bytes: blob.size,
      share: blob.size / most,
      ms: serverMs(headers) ?? ms,
      tier: headers.get('x-image-cache'),
      width: Number(headers.get('x-image-width')),
      height: Number(headers.get('x-image-height')),
      ssim: await similarity(truth, await pixelsOf(blob)),
    })),
  );
}

/** All that the server spent, as Server-Timing says it. */
function serverMs(headers) {
  const parts = [...(headers.get('server-timing') ?? '').matchAll(/dur=([\d.]+)/g)];
  return parts.length ? parts.reduce((sum, [, ms]) => sum + Number(ms), 0) : undefined;
}

/** The middle of the picture where it is large; on white, since JPEG has no alpha. */
async function pixelsOf(blob) {
  const bitmap = await createImageBitmap(blob);
  const scale = Math.min(1, Math.sqrt(MOST_PX / (bitmap.width * bitmap.height)));
  const [width, height] = [Math.floor(bitmap.width * scale), Math.floor(bitmap.height * scale)];
  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, width, height);
  pen.drawImage(bitmap, Math.floor((width - bitmap.width) / 2), Math.floor((height - bitmap.height) / 2));
  bitmap.close();
  return pen.getImageData(0, 0, width, height);
}

/** SSIM from 0 to 1; undefined where the sizes differ or are too small for its window of 11 px. */
async function similarity(truth, picture) {
  if (truth.width !== picture.width || truth.height !== picture.height) return undefined;
  if (Math.min(truth.width, truth.height) < 11) return undefined;
  await import('/playground/lib/ssim/ssim.web.js');
  return globalThis.ssim.ssim(truth, picture).mssim;
}
