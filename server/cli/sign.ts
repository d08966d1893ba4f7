import { readQuery } from '../core/operations/transformation.ts';
import { readPath } from '../core/query/id.ts';
import { idInUrl } from '../core/query/path.ts';
import type { Presets } from '../core/query/rule.ts';
import { signedMessage } from '../core/query/signature.ts';
import { hmacSha256 } from '../reading/access.ts';
import { command, JSON_OPTION, UsageError } from './command.ts';
import { settingsOver } from './environment.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90`, `15m`, `1h` or `7d` as seconds; undefined when it is none of these. */
function readDuration(text: string): number | undefined {
  const parts = /^(\d{1,9})([smhd]?)$/.exec(text);
  return parts ? Number(parts[1]) * (UNITS[parts[2] || 's'] ?? 1) : undefined;
}

export interface SigningOptions {
  readonly kid: string;
  /** Hex. */
  readonly key: string;
  /** Unix seconds; absent when the URL does not end. */
  readonly exp?: number | undefined;
  readonly presets: Presets;
  /** Names that the deployment drops without a word. */
  readonly ignored?: readonly string[];
}

/**
 * Signs `id?query`. The query stays as it is written; what is signed is its canonical form.
 *
 * @returns  path and query with exp, kid and sig
 * @throws Problem of readQuery and readId
 */
export function signUrl(url: string, { kid, key, exp, presets, ignored }: SigningOptions): string {
  const [path = '', query = ''] = url.replace(/^\/?(img\/)?/, '').split(/\?(.*)/s);
  const { id, canonical: form } = readPath(path);
  const full = [form, query].filter(Boolean).join('&');
  const { canonical } = readQuery(full, presets, ignored);
  const ends = exp === undefined ? '' : String(exp);
  const sig = hmacSha256(key, signedMessage(id, canonical, kid, ends));
  const signed = [query, ends && `exp=${ends}`, `kid=${kid}`, `sig=${sig}`].filter(Boolean).join('&');
  return `/img/${idInUrl(id)}${form === undefined ? '' : `/${form}`}?${signed}`;
}

export const sign = command({
  name: 'sign',
  summary: 'Signs a URL with a key of SIGNING_KEYS.',
  operand: { name: 'URL', min: 1, max: 1, doc: 'ID?QUERY, escaped as in a URL.' },
  options: {
    kid: { value: 'NAME', doc: 'Of the key; default: the first.' },
    expires: { value: 'DURATION', doc: 'When the URL ends: 90, 15m, 1h or 7d from now; default: never.' },
    json: JSON_OPTION,
  },
  examples: ["sign 'products/shoe.jpg?w=800&fmt=webp' --expires 7d"],
  run: async ({ operands: [url = ''], values, output }) => {
    const { signingKeys, presets, ignoredParameters: ignored, publicUrl = '' } = settingsOver({});
    const { kid = Object.keys(signingKeys)[0], expires } = values;
    const key = kid !== undefined && Object.hasOwn(signingKeys, kid) ? signingKeys[kid] : undefined;
    if (kid === undefined || key === undefined)
      throw new UsageError(`No such key in SIGNING_KEYS: ${kid ?? '(none)'}.`);
    const seconds = expires === undefined ? undefined : readDuration(expires);
    if (expires !== undefined && seconds === undefined)
      throw new UsageError(`--expires ${expires}: expected 90, 15m, 1h or 7d.`);
    const exp = seconds === undefined ? undefined : Math.floor(Date.now() / 1000) + seconds;
    const signed = `${publicUrl}${signUrl(url, { kid, key, exp, presets, ignored })}`;
    output.result({ url: signed }, signed);
  },
});
