// [edge-safe] One source for the server, the warmer and the CloudFront Function; see rule.ts for the limits.
import { splitQuery } from './pairs.ts';
import type { Pairs, Presets, Rule, RuleError } from './rule.ts';
import { isWritten } from './signature.ts';
import { readValue } from './values.ts';

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

export interface RuleIndex {
  /** By key and alias, each under `$`: so `__proto__` is an unknown parameter like any other. */
  readonly byName: Readonly<Record<string, Rule>>;
  /** In the order in which they become idle, see inIdleOrder of table.ts. */
  readonly rules: readonly Rule[];
}

/** By key; the empty text is absence. */
type Values = Record<string, string>;
/** What the URL says and what it calls it, by key: a refusal tells that, and not what it was read as. */
interface Written {
  readonly raw: Values;
  readonly spelled: Values;
}
/** The first one is told; what follows may be its consequence. */
type Refusals = RuleError[];

/** Name beside those of presets, which begin with `$`: what a deployment means by a key that is not there. */
export const ASSUMED = 'assumed';

/** What pages and mails append for their own sake; dropped without a word. */
export const TRACKING = /^(utm_.*|(fb|g|tt)clid|[gw]braid|msclkid|srsltid|igshid|mc_eid|ref_src|_)$/;

export function indexRules(rules: readonly Rule[]): RuleIndex {
  const byName: Record<string, Rule> = {};
  rules.forEach((rule) => {
    [rule.key].concat(rule.aliases || []).forEach((name) => {
      byName['$' + name] = rule;
    });
  });
  return { byName: byName, rules: rules };
}

/**
 * Keys to raw values, aliases resolved; `spelled` learns what each was called. A signature of the written form covers
 * what stands before it: whatever comes behind is nobody's word.
 */
function collect(index: RuleIndex, pairs: Pairs, spelled: Values, refusals: Refusals): Values {
  const raw: Values = {};
  pairs.forEach((pair) => {
    const name = pair[0];
    const rule = index.byName['$' + name];
    if (!rule) {
      if (!TRACKING.test(name)) refusals.push({ code: 'unknown_parameter', param: name, received: pair[1] });
    } else if (spelled[rule.key]) {
      refusals.push({ code: 'duplicate_parameter', param: name, received: pair[1] });
    } else {
      if (isWritten(raw['sig'] || ''))
        refusals.push({ code: 'unsigned_parameter', param: name, received: pair[1] });
      raw[rule.key] = pair[1];
      spelled[rule.key] = name;
    }
  });
  return raw;
}

/** Fills in what the preset says and the query does not. An alias cannot hide a key: presets use plain keys. */
function expandPreset(index: RuleIndex, raw: Values, presets: Presets, refusals: Refusals): void {
  const name = raw['p'];
  if (name === undefined) return;
  const preset = presets['$' + name];
  if (!preset) refusals.push({ code: 'invalid_parameter', param: 'p', received: name });
  delete raw['p'];
  (preset || []).forEach((pair) => {
    const rule = index.byName['$' + pair[0]];
    if (rule && raw[rule.key] === undefined) raw[rule.key] = pair[1];
  });
}

function readOne(rule: Rule, text: string, dpr: number): string | undefined {
  for (let i = 0; i < rule.grammar.length; i++) {
    const value = readValue(rule.grammar[i] as Rule['grammar'][number], text, dpr);
    if (value !== undefined) return value;
  }
  // A default may lie outside the range (blur: 0, or 0.3 to 100): saying it aloud is always allowed.
  return text.toLowerCase() === rule.fallback ? rule.fallback : undefined;
}

/** How much pixels are multiplied; the raw values learn the defaults that are pixels. */
function spreadDpr(index: RuleIndex, raw: Values): number {
  const text = raw['dpr'];
  const ratio = (text && Number(readOne(index.byName['$dpr'] as Rule, text, 1))) || 1;
  if (ratio > 1) {
    index.rules.forEach((rule) => {
      if (rule.scaled && raw[rule.key] === undefined) raw[rule.key] = rule.fallback as string;
    });
  }
  return ratio;
}

/** Whether all words of a condition hold. */
function holds(values: Values, condition: string): boolean {
  return condition.split(' ').every((word) => {
    const pair = word.split('=');
    const name = pair[0] as string;
    if (name.charAt(0) === '!') return !values[name.slice(1)];
    return pair[1] ? values[name] === pair[1] : values[name];
  });
}

function contradict(index: RuleIndex, values: Values, written: Written, refusals: Refusals): void {
  Object.keys(values).forEach((key) => {
    ((index.byName['$' + key] as Rule).never || []).forEach((condition) => {
      if (holds(values, condition)) {
        const received = written.raw[key] as string;
        const param = written.spelled[key] || key;
        refusals.push({ code: 'conflicting_parameters', param: param, received: received, with: condition });
      }
    });
  });
}

/** `ar` beside one side is the other side. The box is in device pixels already. */
function settleRatio(index: RuleIndex, values: Values, raw: Values, refusals: Refusals): void {
  const ratio = values['ar'];
  const width = Number(values['w']);
  const height = Number(values['h']);
  if (!ratio || (!width && !height)) return;
  const sides = ratio.split(':');
  const share = Number(sides[0]) / Number(sides[1]);
  const missing = width ? 'h' : 'w';
  const side = String(Math.max(1, Math.round(width ? width / share : height * share)));
  values['ar'] = '';
  values[missing] = side;
  if (!readOne(index.byName['$' + missing] as Rule, side, 1))
    refusals.push({
      code: 'invalid_parameter',
      param: 'ar',
      received: raw['ar'] as string,
      with: missing + '=' + side,
    });
}

/**
 * Half a turn is a mirror both ways, and beside one mirror it is the other one: `rot=270&flip=v` and `rot=90&flip=h`
 * are one picture. Of quarters alone: pixels between them are guessed otherwise from the other side.
 */
function settleTurn(values: Values): void {
  let turn = Number(values['rot'] || 0);
  let flip = values['flip'] || '';
  if (turn % 90) return;
  if (flip === 'hv' || (flip && turn >= 180)) {
    turn = (turn + 180) % 360;
    flip = flip === 'h' ? 'v' : flip === 'v' ? 'h' : '';
  }
  if (turn === 180) {
    turn = 0;
    flip = 'hv';
  }
  values['rot'] = turn ? String(turn) : '';
  values['flip'] = flip;
}

/** Empties what has no effect. One round is enough: a condition looks at rules that come before. */
function dropIdle(index: RuleIndex, values: Values): string[] {
  const idle: string[] = [];
  index.rules.forEach((rule) => {
    const holding = (condition: string) => holds(values, condition);
    if (values[rule.key] && ((rule.needs && !rule.needs.some(holding)) || (rule.idle || []).some(holding))) {
      values[rule.key] = '';
      idle.push(rule.key);
    }
  });
  return idle;
}

/**
 * The canonical form of a query (PARAMS.md, lexical and canonical rules).
 *
 * @param index    from indexRules
 * @param pairs    from splitQuery
 * @param presets  registered presets under `$name`, and under ASSUMED what is written where nothing is said
 * @returns        the canonical form, which reads back to itself, or the first error
 */
export function canonicalize(
  index: RuleIndex,
  pairs: Pairs,
  presets: Presets,
): Canonical | { readonly error: RuleError } {
  const refusals: Refusals = [];
  const spelled: Values = {};
  const raw = collect(index, pairs, spelled, refusals);
  expandPreset(index, raw, presets, refusals);
  const dpr = spreadDpr(index, raw);
  const assumed = presets[ASSUMED] || [];
  const values: Values = {};
  const url: Values = {};
  Object.keys(raw).forEach((key) => {
    const rule = index.byName['$' + key] as Rule;
    const text = raw[key] as string;
    const value = readOne(rule, text, dpr);
    if (value === undefined) {
      refusals.push({ code: 'invalid_parameter', param: spelled[key] || key, received: text });
    } else if ((value !== rule.fallback || assumed.some((pair) => pair[0] === key)) && key !== 'dpr') {
      (rule.url ? url : values)[key] = value;
    }
  });
  contradict(index, values, { raw: raw, spelled: spelled }, refusals);
  assumed.forEach((pair) => {
    if (raw[pair[0]] === undefined) values[pair[0]] = pair[1];
  });
  settleRatio(index, values, raw, refusals);
  settleTurn(values);
  const idle = dropIdle(index, values).filter((key) => spelled[key]);
  return refusals[0]
    ? { error: refusals[0] }
    : { canonical: print(values), url: url, negotiable: !values['fmt'] && !values['ph'], idle: idle };
}

function print(values: Values): string {
  const keys = Object.keys(values).filter((key) => values[key]);
  return keys
    .sort()
    .map((key) => key + '=' + values[key])
    .join('&');
}

/**
 * Writes the negotiated format into a canonical form that leaves it open.
 *
 * @param index  makes the answer canonical too: a key that has no effect in the format is dropped (progressive in
 *               WebP), and a format that cannot do what is asked (colors in WebP) gives way to `auto-base`
 */
export function withFormat(canonical: string, format: string, index: RuleIndex): string {
  const values: Values = {};
  (splitQuery(canonical + '&fmt=' + format) || []).forEach((pair) => {
    values[pair[0]] = pair[1];
  });
  const refusals: Refusals = [];
  contradict(index, values, { raw: values, spelled: {} }, refusals);
  if (refusals[0] && format !== 'auto-base') return withFormat(canonical, 'auto-base', index);
  dropIdle(index, values);
  return print(values);
}
