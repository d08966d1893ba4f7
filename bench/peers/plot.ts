import type { Plot } from './part.ts';
import { shown } from './part.ts';

const [LABEL, BAR, NUMBER, STEP, HEAD] = [190, 380, 70, 26, 40];

const escaped = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** Bars, one below the other, ours in another colour. */
export function svgOf({ title, bars }: Plot): string {
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const [width, height] = [LABEL + BAR + NUMBER, HEAD + bars.length * STEP + 10];
  const rows = bars.map(({ label, value }, index) => {
    const top = HEAD + index * STEP;
    const length = Math.max(1, (value / most) * BAR).toFixed(1);
    const fill = label.startsWith('Rendition') ? '#0b6e4f' : '#8a94a6';
    return `<text x="${LABEL - 8}" y="${top + 14}" text-anchor="end">${escaped(label)}</text><rect x="${LABEL}" y="${top}" width="${length}" height="18" fill="${fill}"/><text x="${LABEL + Number(length) + 6}" y="${top + 14}">${shown(value)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="13" fill="#1d2430"><rect width="100%" height="100%" fill="#ffffff"/><text x="8" y="22" font-size="15" font-weight="bold">${escaped(title)}</text>${rows.join('')}</svg>\n`;
}
