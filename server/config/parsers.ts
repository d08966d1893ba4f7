import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { RULES } from '../core/operations/table.ts';
import { INDEX, readPresets } from '../core/operations/transformation.ts';
import { isId } from '../core/query/id.ts';
import type { Presets } from '../core/query/rule.ts';
import { type RemoteHost, readRemoteHost } from '../shared/remote-hosts.ts';
import { readSource, type Source } from '../shared/sources.ts';

/** Reads the text of a variable; throws with what was expected. */
export interface Parser<T> {
  readonly expected: string;
  readonly parse: (text: string) => T | undefined;
}

const parser = <T>(expected: string, parse: (text: string) => T | undefined): Parser<T> => ({
  expected,
  parse,
});

export const text = parser('text', (value) => value);

export const folder = parser('a folder that is there', (value) =>
  statSync(value, { throwIfNoEntry: false })?.isDirectory() ? resolve(value) : undefined,
);

export const optional = <T>(inner: Parser<T>): Parser<T | undefined> => inner;

export function integer(min: number, max: number): Parser<number> {
  return parser(`a whole number, ${min} to ${max}`, (value) => {
    const number = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max ? number : undefined;
  });
}

/** With a dot and a fraction, or without. */
export function decimal(min: number, max: number): Parser<number> {
  return parser(`a number, ${min} to ${max}`, (value) => {
    const number = /^\d{1,9}(\.\d{1,6})?$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max ? number : undefined;
  });
}

export const flag = parser('1 or 0', (value) => (value === '1' ? true : value === '0' ? false : undefined));

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

export const bytes = parser('bytes such as 50M or 256MiB', (value) => {
  const parts = /^(\d{1,12})(k|M|G|KiB|MiB|GiB)?$/.exec(value);
  return parts ? Number(parts[1]) * (UNITS[parts[2] ?? ''] ?? 1) : undefined;
});

export function oneOf<const V extends string>(values: readonly V[]): Parser<V> {
  return parser(values.join(' or '), (value) => values.find((v) => v === value));
}

/** Of a revision: it stands twice in the edge function. */
export const REVISION_CHARACTERS = 12;

export const revision = parser(`up to ${REVISION_CHARACTERS} of a-z and 0-9`, (value) =>
  /^[a-z0-9]*$/.test(value) && value.length <= REVISION_CHARACTERS ? value : undefined,
);

export const url = parser('an http or https URL', (value) =>
  /^https?:\/\//.test(value) && URL.canParse(value) ? value.replace(/\/$/, '') : undefined,
);

/** As browsers send it: scheme, host and port, without a path. */
export const origin = parser('an origin such as https://shop.example.com', (value) =>
  /^https?:\/\//.test(value) && URL.canParse(value) && new URL(value).origin === value ? value : undefined,
);

export const remoteHost: Parser<RemoteHost> = parser(
  'a host such as cdn.example.com, *.example.com, http://old.example.com:8080, or * for all',
  readRemoteHost,
);

/** `a,b,c`; the empty text is the empty list. */
export function list<T>(inner: Parser<T>): Parser<readonly T[]> {
  return parser(`a list, separated by commas, of: ${inner.expected}`, (value) => {
    const items = value === '' ? [] : value.split(',').map((part) => inner.parse(part.trim()));
    return items.every((item) => item !== undefined) ? items : undefined;
  });
}

/** A JSON object of texts, or `name=text;name=text`. Throws without a word of the value, which may be a secret. */
export const map = parser('a JSON object of texts, or name=text;name=text', (value) => {
  if (value === '') return {};
  if (value.startsWith('{')) return jsonTexts(value);
  const entries = value.split(';').map((part, index): [string, string] => {
    const position = part.indexOf('=');
    if (position < 0) throw new Error(`part ${index + 1} has no "="`);
    return [part.slice(0, position).trim(), part.slice(position + 1).trim()];
  });
  if (new Set(entries.map(([name]) => name)).size < entries.length) throw new Error('a name is given twice');
  return entries.every(([name, item]) => name && item) ? Object.fromEntries(entries) : undefined;
});

/** A map whose names are values of the parameter `key`. */
function namedFor(key: 'p' | 'wm' | 'kid', value: string): Record<string, string> | undefined {
  const found = map.parse(value);
  const [kind, pattern = ''] = RULES.find((rule) => rule.key === key)?.grammar[0] ?? [];
  const name = new RegExp(`^${String(pattern)}$`);
  if (kind !== 'text') throw new Error(`${key} takes no text`);
  const odd = Object.keys(found ?? {}).findIndex((one) => !name.test(one));
  if (odd >= 0) throw new Error(`name ${odd + 1} is not of the form ${pattern}`);
  return found;
}

function jsonTexts(value: string): Record<string, string> | undefined {
  try {
    const parsed: unknown = JSON.parse(value);
    const entries = parsed && typeof parsed === 'object' ? Object.entries(parsed) : [];
    const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    return texts.length === entries.length ? Object.fromEntries(texts) : undefined;
  } catch {
    return undefined;
  }
}

export const presets: Parser<Presets> = parser(
  'presets, each a query: card=w=400&h=300&fit=cover;thumb=w=100',
  (value) => {
    const queries = namedFor('p', value);
    return queries && readPresets(queries);
  },
);

/** Of all names that are ignored, with a comma between two: they stand in the edge function, whose bytes are counted. */
export const IGNORED_CHARACTERS = 256;

/** A known one would be dropped where a page means it. */
const ignoredNames = list(
  parser('a name that is no parameter, of letters, digits and . _ ~ -', (value) => {
    if (Object.hasOwn(INDEX.byName, `$${value}`)) throw new Error(`${value} is a parameter of images`);
    return /^[\w.~-]{1,64}$/.test(value) ? value : undefined;
  }),
);

export const ignoredParameters = parser(
  `${ignoredNames.expected}; ${IGNORED_CHARACTERS} characters together, with their commas`,
  (value) => {
    const names = ignoredNames.parse(value);
    return names && names.join().length <= IGNORED_CHARACTERS ? names : undefined;
  },
);

export const id = parser('an id of an image', (value) => (isId(value) ? value : undefined));
/** Names that ids begin with, each with where their originals are. */
export const sources: Parser<readonly Source[]> = parser(
  'name=https://host/path/;name=s3://bucket/path/, or a JSON object of the same',
  (value) => {
    const written = map.parse(value);
    return written && Object.entries(written).map(([name, text]) => readSource(name, text));
  },
);

const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): *([\x20-\x7e]+)$/;

/** A header for each source, in the form that a request has it. */
export const sourceHeaders: Parser<Readonly<Record<string, Readonly<Record<string, string>>>>> = parser(
  'name=Header: value;name=Header: value, or a JSON object of the same',
  (value) => {
    const written = Object.entries(map.parse(value) ?? { '': '' });
    const read = written.map(([source, text]) => [source, HEADER.exec(text)] as const);
    if (read.some(([, parts]) => !parts)) return undefined;
    return Object.fromEntries(
      read.map(([source, parts]) => [source, { [parts?.[1] ?? '']: parts?.[2] ?? '' }]),
    );
  },
);

/** Names of watermarks, each with the id of an original. */
export const watermarks = parser('name=id;name=id, or a JSON object of the same', (value) => {
  const found = namedFor('wm', value);
  return found && Object.values(found).every(isId) ? found : undefined;
});

/** Among queries: those that are asked for most. */
export const LEARNED = 'learned';

/** Variants to warm: queries separated by blanks, since commas stand inside a query. */
export const queries = parser('queries, separated by blanks: w=200 w=400&fmt=webp', (value) =>
  value.split(/\s+/).filter((query) => query !== ''),
);

/** Whole bytes: of an odd number of digits Node drops the last one, and other languages refuse the key. */
const HEX_SECRET = /^(?:[0-9a-f]{2}){16,}$/i;
export const secrets = parser(
  'kid=hex;kid=hex with an even number of hex digits, 32 at least, each',
  (value) => {
    const found = namedFor('kid', value);
    return found && Object.values(found).every((secret) => HEX_SECRET.test(secret)) ? found : undefined;
  },
);

const SCOPES = ['read', 'write'] as const;
/** What a caller of the management API may do; write includes read. */
export type Scope = (typeof SCOPES)[number];

export interface ApiToken {
  /** For the log; says nothing about the token. */
  readonly name: string;
  readonly scope: Scope;
  /** SHA-256 of the token in hex: the configuration does not give it away. */
  readonly hash: string;
}

/** The specification asks for 24 to 64 bytes of a serialised key. */
const WHSEC = /^whsec_(?:[A-Za-z0-9+/]{4}){8,22}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const webhookSecrets: Parser<readonly string[]> = parser(
  'secrets separated by blanks, each `whsec_` and 24 to 64 bytes in base64, or any other text',
  (value) => {
    const secrets = value.split(/\s+/).filter(Boolean);
    return secrets.every((secret) => !secret.startsWith('whsec_') || WHSEC.test(secret))
      ? secrets
      : undefined;
  },
);

export const apiTokens: Parser<readonly ApiToken[]> = parser(
  'name=scope:hash;name=scope:hash, scope read or write, hash the SHA-256 of the token in hex',
  (value) => {
    const tokens = Object.entries(map.parse(value) ?? { '': '' }).flatMap(([name, written]) => {
      const [scope = '', hash = ''] = written.toLowerCase().split(':');
      const match = SCOPES.find((entry) => entry === scope);
      return match && /^[0-9a-f]{64}$/.test(hash) ? [{ name, scope: match, hash }] : [undefined];
    });
    return tokens.every((token) => token !== undefined) ? tokens : undefined;
  },
);
