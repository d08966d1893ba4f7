// [edge-safe] One source for the server, the warmer and the CloudFront Function; see rule.ts for the limits.
import { readColor } from './colors.ts';
import type { Grammar, Pairs, Presets, Rule, RuleError } from './rule.ts';

/** The one spelling of a transformation, and what the URL says beside it. */
export interface Canonical {
  /** `key=value` joined by `&`, keys bytewise ascending; '' when nothing is asked for. Characters: A-Za-z0-9._~-=&,: */
  readonly canonical: string;
  /** sig, kid, exp, dl, v as given. */
  readonly url: Readonly<Record<string, string>>;
  /** Whether the format still depends on the Accept header. */
  readonly negotiable: boolean;
  /** Keys that were given and have no effect here. */
  readonly idle: readonly string[];
}

/** By key and alias, each under `$`: so `__proto__` is an unknown parameter like any other. */
export type RuleIndex = Readonly<Record<string, Rule>>;

type Values = Record<string, string>;
type Failure = { readonly error: RuleError };

const TRACKING = /^(utm_.*|fbclid|gclid|_)$/;
const INTEGER = /^-?(0|[1-9]\d{0,9})$/;
const DECIMAL = /^-?(0|[1-9]\d{0,5})(\.\d{1,3})?$/;

export function indexRules(rules: readonly Rule[]): RuleIndex {
  const index: Record<string, Rule> = {};
  rules.forEach((rule) => {
    index['$' + rule.key] = rule;
    (rule.aliases || []).forEach((alias) => {
      index['$' + alias] = rule;
    });
  });
  return index;
}

/** Splits a raw query string as it stands behind `?`. Undefined when a percent-escape is broken. */
export function splitQuery(raw: string): Pairs | undefined {
  const pairs: Array<[string, string]> = [];
  try {
    raw.split('&').forEach((part) => {
      if (!part) return;
      const position = part.indexOf('=');
      const key = position < 0 ? part : part.slice(0, position);
      const value = position < 0 ? '' : part.slice(position + 1);
      pairs.push([decode(key), decode(value)]);
    });
  } catch (_broken) {
    return undefined;
  }
  return pairs;
}

function decode(text: string): string {
  return decodeURIComponent(text.replace(/\+/g, ' '));
}

/** Bounded, with at most three places; never `-0`. */
function readNumber(text: string, form: RegExp, min: number, max: number, scale: number): string | undefined {
  if (!form.test(text)) return undefined;
  const places = form === INTEGER ? 1 : 1000;
  const value = Math.round(Number(text) * scale * places) / places;
  if ((value === 0 && text.charAt(0) === '-') || value < min || value > max) return undefined;
  return String(value);
}

/** `W:H`, `WxH` or a decimal, as the reduced fraction `W:H`. */
function readRatio(text: string, min: number, max: number): string | undefined {
  const sides = /^([1-9]\d{0,4})[:x]([1-9]\d{0,4})$/.exec(text);
  const decimal = sides ? undefined : readNumber(text, DECIMAL, min, max, 1);
  if (!sides && !decimal) return undefined;
  const width = sides ? Number(sides[1]) : Math.round(Number(decimal) * 1000);
  const height = sides ? Number(sides[2]) : 1000;
  if (width / height < min || width / height > max) return undefined;
  let a = width;
  let b = height;
  while (b) {
    const rest = a % b;
    a = b;
    b = rest;
  }
  return width / a + ':' + height / a;
}

/** One number for all sides, or `top,right,bottom,left`; equal sides become one number. */
function readSides(text: string, max: number, dpr: number): string | undefined {
  const parts = text.split(',');
  if (parts.length !== 1 && parts.length !== 4) return undefined;
  const sides = parts.map((part) => readNumber(part, INTEGER, 0, max, dpr));
  if (sides.indexOf(undefined) >= 0) return undefined;
  return sides.every((side) => side === sides[0]) ? sides[0] : sides.join(',');
}

function readList(
  text: string,
  items: readonly Grammar[],
  lead: string | undefined,
  dpr: number,
): string | undefined {
  const parts = text.split(',');
  if (lead && parts.shift() !== lead) return undefined;
  if (parts.length !== items.length) return undefined;
  const read = items.map((item, index) => readValue(item, parts[index] || '', dpr));
  return read.indexOf(undefined) >= 0 ? undefined : (lead ? lead + ',' : '') + read.join(',');
}

/** `300k`, `2M` or plain bytes, as plain bytes. */
function readBytes(text: string, min: number, max: number): string | undefined {
  const parts = /^(\d{1,8})([km]?)$/i.exec(text);
  if (!parts) return undefined;
  const unit = (parts[2] || '').toLowerCase();
  const factor = unit === 'k' ? 1000 : unit === 'm' ? 1000000 : 1;
  return readNumber(String(Number(parts[1]) * factor), INTEGER, min, max, 1);
}

function readFlag(text: string, on: string): string | undefined {
  if (/^(1|true|)$/i.test(text)) return on;
  return /^(0|false)$/i.test(text) ? '0' : undefined;
}

function readStep(
  g: readonly ['dec', number, number, (0 | 1)?, number?],
  text: string,
  dpr: number,
): string | undefined {
  const value = readNumber(text, DECIMAL, g[1], g[2], g[3] ? dpr : 1);
  return value !== undefined && g[4] && Number(value) % g[4] !== 0 ? undefined : value;
}

/** The canonical text of a value, or undefined when it does not fit the grammar. */
export function readValue(g: Grammar, text: string, dpr: number): string | undefined {
  if (g[0] === 'flag') return readFlag(text, g[1]);
  if (text === '') return undefined;
  switch (g[0]) {
    case 'int':
      return readNumber(text, INTEGER, g[1], g[2], g[3] ? dpr : 1);
    case 'dec':
      return readStep(g, text, dpr);
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

/** Keys to raw values, aliases resolved. */
function collect(index: RuleIndex, pairs: Pairs): { raw: Values; spelled: Values } | Failure {
  const raw: Values = {};
  const spelled: Values = {};
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i] as Pairs[number];
    const rule = index['$' + pair[0]];
    if (rule) {
      if (raw[rule.key] !== undefined) return fail('duplicate_parameter', pair[0], pair[1]);
      raw[rule.key] = pair[1];
      spelled[rule.key] = pair[0];
    } else if (!TRACKING.test(pair[0])) {
      return fail('unknown_parameter', pair[0], pair[1]);
    }
  }
  return { raw: raw, spelled: spelled };
}

function fail(code: RuleError['code'], param: string, received: string, other?: string): Failure {
  const error = { code: code, param: param, received: received };
  return {
    error: other === undefined ? error : { code: code, param: param, received: received, with: other },
  };
}

/** Fills in what the preset says and the query does not. An alias cannot hide a key: presets use plain keys. */
function expandPreset(index: RuleIndex, raw: Values, presets: Presets): Failure | undefined {
  const name = raw['p'];
  if (name === undefined) return undefined;
  const preset = presets['$' + name];
  if (!preset) return fail('invalid_parameter', 'p', name);
  delete raw['p'];
  preset.forEach((pair) => {
    const rule = index['$' + pair[0]];
    if (rule && raw[rule.key] === undefined) raw[rule.key] = pair[1];
  });
  return undefined;
}

function readOne(rule: Rule, text: string, dpr: number): string | undefined {
  for (let i = 0; i < rule.grammar.length; i++) {
    const value = readValue(rule.grammar[i] as Grammar, text, dpr);
    if (value !== undefined) return value;
  }
  // A default may lie outside the range (blur: 0, or 0.3 to 100): saying it aloud is always allowed.
  return text.toLowerCase() === rule.fallback ? rule.fallback : undefined;
}

/** Canonical texts by key, defaults removed, `dpr` multiplied in. */
function readAll(index: RuleIndex, raw: Values, spelled: Values): { values: Values } | Failure {
  const values: Values = {};
  const dpr = index['$dpr'];
  const ratio = Number((dpr && raw['dpr'] !== undefined && readOne(dpr, raw['dpr'], 1)) || 1);
  const scaled = ratio === 1 ? [] : Object.keys(index).filter((key) => (index[key] as Rule).scaled);
  scaled.forEach((key) => {
    const rule = index[key] as Rule;
    if (raw[rule.key] === undefined) raw[rule.key] = rule.fallback as string;
  });
  const keys = Object.keys(raw);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const rule = index['$' + key] as Rule;
    const text = raw[key] as string;
    const value = readOne(rule, text, ratio);
    if (value === undefined) return fail('invalid_parameter', spelled[key] || key, text);
    if (value !== rule.fallback && key !== 'dpr') values[key] = value;
  }
  return { values: values };
}

/** Whether all words of a condition hold. */
function holds(values: Values, condition: string): boolean {
  return condition.split(' ').every((word) => {
    const position = word.indexOf('=');
    return position < 0
      ? values[word] !== undefined
      : values[word.slice(0, position)] === word.slice(position + 1);
  });
}

function contradiction(index: RuleIndex, values: Values): Failure | undefined {
  const keys = Object.keys(values);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const found = ((index['$' + key] as Rule).never || []).filter((condition) => holds(values, condition))[0];
    if (found !== undefined) return fail('conflicting_parameters', key, values[key] as string, found);
  }
  return undefined;
}

/** `ar` beside one side is the other side. The box is in device pixels already. */
function settleRatio(index: RuleIndex, values: Values): Failure | undefined {
  const ratio = values['ar'];
  if (ratio === undefined || (values['w'] === undefined && values['h'] === undefined)) return undefined;
  const sides = ratio.split(':');
  const share = Number(sides[0]) / Number(sides[1]);
  const missing = values['w'] === undefined ? 'w' : 'h';
  const side = Math.max(
    1,
    Math.round(missing === 'w' ? Number(values['h']) * share : Number(values['w']) / share),
  );
  const value = readOne(index['$' + missing] as Rule, String(side), 1);
  if (value === undefined) return fail('invalid_parameter', 'ar', ratio, missing + '=' + side);
  values[missing] = value;
  delete values['ar'];
  return undefined;
}

/** Until nothing moves any more, since dropping one key may idle another. */
function dropIdle(index: RuleIndex, values: Values): string[] {
  const idle: string[] = [];
  let before = -1;
  while (before !== idle.length) {
    before = idle.length;
    Object.keys(values).forEach((key) => {
      const rule = index['$' + key] as Rule;
      const holding = (condition: string) => holds(values, condition);
      if ((rule.needs && !rule.needs.some(holding)) || (rule.idle || []).some(holding)) {
        delete values[key];
        idle.push(key);
      }
    });
  }
  return idle;
}

/**
 * The canonical form of a query (PARAMS.md, lexical and canonical rules).
 *
 * @param index    from indexRules
 * @param pairs    from splitQuery
 * @param presets  registered presets under `$name`
 * @returns        the canonical form, which reads back to itself, or the first error
 */
export function canonicalize(index: RuleIndex, pairs: Pairs, presets: Presets): Canonical | Failure {
  const collected = collect(index, pairs);
  if ('error' in collected) return collected;
  const raw = collected.raw;
  const unregistered = expandPreset(index, raw, presets);
  if (unregistered) return unregistered;
  const read = readAll(index, raw, collected.spelled);
  if ('error' in read) return read;
  const values = read.values;
  const refused = contradiction(index, values) || settleRatio(index, values);
  if (refused) return refused;
  const url: Values = {};
  Object.keys(values).forEach((key) => {
    if (!(index['$' + key] as Rule).url) return;
    url[key] = values[key] as string;
    delete values[key];
  });
  const idle = dropIdle(index, values).filter((key) => collected.spelled[key] !== undefined);
  return {
    canonical: print(values),
    url: url,
    negotiable: values['fmt'] === undefined && values['ph'] === undefined,
    idle: idle,
  };
}

function print(values: Values): string {
  const keys = Object.keys(values).sort();
  return keys.map((key) => key + '=' + values[key]).join('&');
}

/**
 * Writes the negotiated format into a canonical form that leaves it open.
 *
 * @param index  makes the answer canonical too: a key that has no effect in the format is dropped (progressive in
 *               WebP), and a format that cannot do what is asked (colors in WebP) gives way to `auto-base`
 */
export function withFormat(canonical: string, format: string, index: RuleIndex): string {
  const parts = canonical === '' ? [] : canonical.split('&');
  parts.push('fmt=' + format);
  const plain = parts.sort().join('&');
  const read = canonicalize(index, splitQuery(plain) || [], {});
  if (!('error' in read)) return read.canonical;
  return format === 'auto-base' ? plain : withFormat(canonical, 'auto-base', index);
}
