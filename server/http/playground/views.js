/** What is shown of an answer. */
import { element } from './form.js';

export const kilobytes = (bytes) => (bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`);

/** As browsers send it for <img>; fetch alone would say that it takes anything. */
export const ACCEPT = 'image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5';

/** The picture, or the problem that came instead. */
export async function load(url, signal) {
  const begun = performance.now();
  // Past the browser's own cache, or the tier would be that of the first time.
  const answer = await fetch(url, { headers: { Accept: ACCEPT }, cache: 'no-store', signal });
  const { headers, status, ok } = answer;
  if (!ok) {
    const text = await answer.text();
    const problem = text.startsWith('{') ? JSON.parse(text) : { title: `Status ${status}`, detail: text };
    return { problem: { ...problem, status } };
  }
  const blob = await answer.blob();
  return { blob, headers, ms: performance.now() - begun };
}

/** Placeholders are text: a colour and a tiny picture can be shown, a hash is told. */
async function placeholder(blob) {
  const text = await blob.text();
  const code = element('code', { textContent: text.length > 120 ? `${text.slice(0, 120)}…` : text });
  if (text.startsWith('data:'))
    return [element('img', { src: text, alt: 'Placeholder', className: 'wide' }), code];
  if (!/^#[0-9a-f]{6}$/.test(text)) return [code];
  const canvas = element('canvas', { width: 160, height: 100 });
  const pen = canvas.getContext('2d');
  pen.fillStyle = text;
  pen.fillRect(0, 0, 160, 100);
  return [canvas, code];
}

/** The object URL before it may go as soon as the next picture stands. */
let shown;
export async function stage(figure, { blob }, alt) {
  const last = shown;
  if (blob.type.startsWith('text/')) figure.replaceChildren(...(await placeholder(blob)));
  else {
    shown = URL.createObjectURL(blob);
    const image = element('img', { src: shown, alt });
    await image.decode().catch(() => undefined);
    figure.replaceChildren(image);
  }
  if (last) URL.revokeObjectURL(last);
}

export function facts(list, { blob, headers, ms }) {
  const width = headers.get('x-image-width');
  const rows = {
    Type: blob.type,
    Size: width ? `${width} × ${headers.get('x-image-height')}` : '',
    Bytes: kilobytes(blob.size),
    Tier: headers.get('x-image-cache'),
    'Round trip': `${ms.toFixed(0)} ms`,
    'Server time': (headers.get('server-timing') ?? '').replaceAll(';dur=', ' ').replaceAll(',', ' ·'),
    Warning: headers.get('x-image-warning'),
  };
  const shown = Object.entries(rows).filter(([, value]) => value);
  list.replaceChildren(
    ...shown.map(([name, value]) =>
      element('div', {}, element('dt', { textContent: name }), element('dd', { textContent: value })),
    ),
  );
}

const FORMATS = ['avif', 'webp', 'jpeg'];

/** One picture in three formats, beside each other; bars are shares of the largest. */
export async function compare(box, urlOf, signal) {
  const loaded = await Promise.all(FORMATS.map((format) => load(urlOf(format), signal)));
  const most = Math.max(...loaded.map(({ blob }) => blob?.size ?? 0));
  const figures = FORMATS.map((format, at) => {
    const { blob, problem } = loaded[at];
    if (problem)
      return element('figure', {}, element('figcaption', { textContent: `${format}: ${problem.detail}` }));
    const image = element('img', { src: URL.createObjectURL(blob), alt: `As ${format}` });
    image.addEventListener('load', () => URL.revokeObjectURL(image.src), { once: true });
    const share = Math.round((100 * blob.size) / most);
    const bar = element('meter', {
      max: most,
      value: blob.size,
      aria: { label: `${format}: ${share} % of the largest` },
    });
    const caption = element(
      'figcaption',
      {},
      element('b', { textContent: format }),
      ` ${kilobytes(blob.size)} · ${share} %`,
    );
    return element('figure', {}, image, caption, bar);
  });
  box.replaceChildren(...figures);
}

const LADDER = [320, 640, 960, 1280, 1600];

/** Markup for one picture at many widths; the height goes with the width. */
export function snippet(base, pairs, size) {
  const given = Object.fromEntries(pairs);
  const ratio = given.w && given.h ? Number(given.h) / Number(given.w) : undefined;
  const kept = pairs.filter(([key]) => !['w', 'h', 'dpr'].includes(key));
  const at = (width) => {
    const sides = [['w', width], ...(ratio ? [['h', Math.round(width * ratio)]] : [])];
    return base([...sides, ...kept]).replaceAll('&', '&amp;');
  };
  const middle = Number(given.w) || 960;
  const lines = LADDER.map((width) => `    ${at(width)} ${width}w`).join(',\n');
  const box = size ? `\n  width="${size.width}" height="${size.height}"` : '';
  return `<img src="${at(middle)}"\n  srcset="\n${lines}"\n  sizes="(max-width: ${middle}px) 100vw, ${middle}px"${box} alt="">`;
}
