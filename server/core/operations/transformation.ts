import type { ProblemFacts } from '../../shared/errors.ts';
import { Problem } from '../../shared/errors.ts';
import type { Canonical } from '../query/canonical.ts';
import { ASSUMED, canonicalize, indexRules, withFormat } from '../query/canonical.ts';
import { nearest } from '../query/nearest.ts';
import { splitQuery, withoutIgnored } from '../query/pairs.ts';
import { peerHint } from '../query/peer-names.ts';
import type { Grammar, Pairs, Presets, Rule, RuleError } from '../query/rule.ts';
import type { Transformation } from './index.ts';
import { allowedText, ROWS, RULES } from './table.ts';

/** PARAMS.md, rule 9. */
export const MAX_QUERY_BYTES = 1024;

/** The parameter table by key and alias. */
export const INDEX = indexRules(RULES);
const NAMES = Object.keys(INDEX.byName).map((name) => name.slice(1));
const PARAMS = new Map(ROWS.map(({ key, param }) => [key, param]));

/**
 * Reads a raw query string (behind `?`, percent-encoded).
 *
 * @param presets  registered presets under `$name`, see readPresets
 * @param ignored  names that the deployment drops without a word
 * @throws Problem `uri_too_long`, or `unknown_parameter`, `duplicate_parameter`, `unsigned_parameter`,
 *         `invalid_parameter`, `conflicting_parameters` naming the parameter, what was received and what is allowed
 */
export function readQuery(raw: string, presets: Presets, ignored: readonly string[] = []): Canonical {
  const bytes = Buffer.byteLength(raw);
  if (bytes > MAX_QUERY_BYTES) {
    const facts = { received: `${bytes} bytes`, allowed: `${MAX_QUERY_BYTES} bytes` };
    throw new Problem('uri_too_long', `The query has ${bytes} bytes; ${MAX_QUERY_BYTES} are allowed.`, facts);
  }
  const pairs = splitQuery(raw);
  if (!pairs)
    throw new Problem('invalid_parameter', 'The query has a broken percent-escape.', { received: raw });
  return readPairs(withoutIgnored(pairs, ignored), presets);
}

/** The same for decoded pairs. */
export function readPairs(pairs: Pairs, presets: Presets): Canonical {
  const read = canonicalize(INDEX, pairs, presets);
  if ('error' in read) throw explain(read.error, presets);
  return read;
}

function explain(error: RuleError, presets: Presets): Problem {
  const { code, param, received } = error;
  if (code === 'unknown_parameter') {
    const hint = peerHint(param, received) ?? nearest(param, NAMES);
    const detail = `There is no parameter "${param}".${hint ? ` Did you mean "${hint}"?` : ''}`;
    return new Problem(code, detail, { param, received, hint });
  }
  if (code === 'duplicate_parameter') {
    return new Problem(code, `"${param}" is given twice, perhaps through an alias.`, { param, received });
  }
  if (code === 'unsigned_parameter') {
    const hint = 'A signature that begins with w- covers what stands before it: it comes last.';
    return new Problem(code, `"${param}" stands behind sig, which does not cover it.`, {
      param,
      received,
      hint,
    });
  }
  if (code === 'conflicting_parameters') {
    const parts = (error.with ?? '').split(' ').join(' with ');
    return new Problem(code, `These contradict each other: ${parts}.`, {
      param,
      received,
      hint: 'Leave one out.',
    });
  }
  return invalid(error, presets);
}

function invalid({ param, received, with: outcome }: RuleError, presets: Presets): Problem {
  const rule = INDEX.byName[`$${param}`];
  const facts: ProblemFacts = { param, received };
  if (rule?.key === 'p') facts.allowed = names(Object.keys(presets).map((name) => name.slice(1)));
  else if (rule) facts.allowed = allowedText(rule);
  const hint = peerHint(param, received) ?? wholeNumber(rule, param, received);
  if (hint) facts.hint = hint;
  if (outcome) return outOfRange(outcome, facts);
  const scaled = rule?.grammar.some(isScaled) ? ' (px are multiplied by dpr)' : '';
  const detail = `"${received}" is not accepted for "${param}"; allowed: ${facts.allowed}${scaled}.`;
  return new Problem('invalid_parameter', detail, facts);
}

/** What is asked for is fine by itself, and the side that it makes is not. */
function outOfRange(outcome: string, { allowed: _ofItself, ...facts }: ProblemFacts): Problem {
  const side = outcome.replace(/=.*/, '');
  const rule = INDEX.byName[`$${side}`];
  const allowed = rule ? `${side} of ${allowedText(rule)}` : side;
  const detail = `"${facts.received}" for "${facts.param}" makes ${outcome}; allowed: ${allowed}.`;
  return new Problem('invalid_parameter', detail, { ...facts, allowed });
}

/** The whole number next to a decimal, as pages compute one. */
function wholeNumber(rule: Rule | undefined, param: string, received: string): string | undefined {
  const [kind, min, max] = rule?.grammar[0] ?? [];
  if (kind !== 'int' || !/^\d{1,9}\.\d+$/.test(received)) return undefined;
  return `${param}=${Math.min(Math.max(Math.round(Number(received)), min ?? 0), max ?? 0)}`;
}

/** Whether it holds CSS pixels. */
function isScaled([kind, items, , px]: Grammar): boolean {
  if (kind === 'list') return items.some(isScaled);
  return kind === 'sides' || px === 1;
}

const names = (list: readonly string[]): string => (list.length ? list.join(' ') : 'none is registered');

/** The canonical form of a variant: a canonical form that left the format open, with the negotiated one. */
export function resolved(canonical: string, format: string): string {
  return withFormat(canonical, format, INDEX);
}

/** Typed values of a canonical form. */
export function readTransformation(canonical: string): Transformation {
  const values: Record<string, unknown> = {};
  for (const part of canonical === '' ? [] : canonical.split('&')) {
    const position = part.indexOf('=');
    const key = part.slice(0, position);
    values[key] = PARAMS.get(key)?.read(part.slice(position + 1));
  }
  return values as Transformation;
}

/**
 * Registers presets. Each is checked on its own: a preset that cannot be read is an error of configuration.
 *
 * @param queries  name to query string
 * @throws Problem of readQuery, naming the preset
 */
export function readPresets(queries: Readonly<Record<string, string>>): Presets {
  const presets: Record<string, Pairs> = {};
  for (const [name, query] of Object.entries(queries)) {
    try {
      if (splitQuery(query)?.some(([name]) => /^(p|preset|sig|kid|exp|wm2?x)$/.test(name)))
        throw new Problem('not_allowed', 'it names p, sig, kid, exp or a text');
      readQuery(query, {});
      // The pairs as written, under plain keys: `w=400` must still be multiplied by a dpr beside `p`.
      presets[`$${name}`] = plainPairs(query);
    } catch (error) {
      throw new Problem(
        'invalid_parameter',
        `Preset "${name}" (${query}): ${String(error)}`,
        { param: name },
        error,
      );
    }
  }
  return presets;
}

/** Presets of a deployment in which `q` is `auto` where it is not said; no list of presets shows that. */
export function withAutoQuality(presets: Presets): Presets {
  const assumed: Pairs = [['q', 'auto']];
  return Object.defineProperty({ ...presets }, ASSUMED, { value: assumed });
}

function plainPairs(query: string): Pairs {
  return (splitQuery(query) ?? []).flatMap(([key, value]) => {
    const rule = INDEX.byName[`$${key}`];
    return rule ? [[rule.key, value] as const] : [];
  });
}
