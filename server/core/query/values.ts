// [edge-safe] The text of one value, by its grammar.
import { readColor } from './colors.ts';
import type { Grammar } from './rule.ts';

const INTEGER = /^-?(0|[1-9]\d{0,9})$/;
const DECIMAL = /^-?(0|[1-9]\d{0,5})(\.\d{1,3})?$/;
const MAX_RATIO_SIDE = 99999;

/** Bounded, with at most three places; never `-0`. */
function readNumber(text: string, form: RegExp, min: number, max: number, scale: number): string | undefined {
  const places = form === INTEGER ? 1 : 1000;
  const value = form.test(text) ? Math.round(Number(text) * scale * places) / places : Number.NaN;
  return value >= min && value <= max && (value || text.charAt(0) !== '-') ? String(value) : undefined;
}

/** Any decimal, since browsers say 1.100000023841858; up to the next quarter, and never below 1. */
function readDensity(text: string, min: number, max: number): string | undefined {
  const value = /^(0|[1-9]\d*)(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? String(Math.max(4, Math.ceil(value * 4)) / 4) : undefined;
}

/**
 * `W:H`, `WxH` or a decimal, as the reduced fraction `W:H` of whole numbers. Sides may have three places, as in `2.35:1`;
 * a fraction that needs more than five digits would not read back.
 */
function readRatio(text: string, min: number, max: number): string | undefined {
  const sides = text.split(/[:x]/);
  const thousandths = (side: string): number =>
    Math.round(Number(readNumber(side, DECIMAL, 0, MAX_RATIO_SIDE, 1)) * 1000);
  const width = thousandths(sides[0] || '');
  const height = sides.length > 1 ? thousandths(sides[1] || '') : 1000;
  if (sides.length > 2 || !(width / height >= min && width / height <= max)) return undefined;
  const divisor = (a: number, b: number): number => (b ? divisor(b, a % b) : a);
  const common = divisor(width, height);
  return Math.max(width, height) / common > MAX_RATIO_SIDE
    ? undefined
    : width / common + ':' + height / common;
}

/** One number for all sides, or `top,right,bottom,left`; equal sides become one number. */
function readSides(text: string, max: number, dpr: number): string | undefined {
  const side: Grammar = ['int', 0, max, 1];
  const four = readList(text, [side, side, side, side], '', dpr);
  const same = four && /^(\d+),\1,\1,\1$/.exec(four);
  return (same ? same[1] : four) || readValue(side, text, dpr);
}

function readList(
  text: string,
  items: readonly Grammar[],
  lead: string | undefined,
  dpr: number,
): string | undefined {
  const parts = text.split(',');
  if ((lead && parts.shift() !== lead) || parts.length !== items.length) return undefined;
  const read = items.map((item, index) => readValue(item, parts[index] || '', dpr));
  return read.indexOf(undefined) >= 0 ? undefined : (lead ? lead + ',' : '') + read.join(',');
}

/** `300k`, `2M` or plain bytes, as plain bytes. */
function readBytes(text: string, min: number, max: number): string | undefined {
  const parts = /^(\d{1,8})([km]?)$/i.exec(text) || [];
  const unit = (parts[2] || '').toLowerCase();
  const factor = unit === 'k' ? 1000 : unit === 'm' ? 1000000 : 1;
  return readNumber(String(Number(parts[1]) * factor), INTEGER, min, max, 1);
}

function readFlag(text: string, on: string): string | undefined {
  if (/^(1|true|)$/i.test(text)) return on;
  return /^(0|false)$/i.test(text) ? '0' : undefined;
}

/** The canonical text of a value, or undefined when it does not fit the grammar. */
export function readValue(g: Grammar, text: string, dpr: number): string | undefined {
  if (g[0] === 'flag') return readFlag(text, g[1]);
  if (text === '') return undefined;
  switch (g[0]) {
    case 'int':
      return readNumber(text, INTEGER, g[1], g[2], g[3] ? dpr : 1);
    case 'dec':
      return readNumber(text, DECIMAL, g[1], g[2], g[3] ? dpr : 1);
    case 'density':
      return readDensity(text, g[1], g[2]);
    case 'steps': {
      const least = INTEGER.test(text) ? Number(text) : Number.NaN;
      return least < Number(g[1]) ? undefined : g.slice(1).filter((step) => Number(step) >= least)[0];
    }
    case 'enum':
      return g[1]['$' + text.toLowerCase()];
    case 'color':
      return readColor(text, !!g[1]);
    case 'ratio':
      return readRatio(text, g[1], g[2]);
    case 'sides':
      return readSides(text, g[1], dpr);
    case 'list':
      return readList(text, g[1], g[2], dpr);
    case 'bytes':
      return readBytes(text, g[1], g[2]);
    default:
      return new RegExp('^(?:' + g[1] + ')$').test(text) ? text : undefined;
  }
}
