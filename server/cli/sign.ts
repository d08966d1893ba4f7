import { parseArgs } from 'node:util';
import { loadConfig } from '../config/settings.ts';
import { readQuery } from '../core/operations/transformation.ts';
import { readPath } from '../core/query/id.ts';
import { idInUrl } from '../core/query/path.ts';
import type { Presets } from '../core/query/rule.ts';
import { signedMessage } from '../core/query/signature.ts';
import { hmacSha256 } from '../reading/access.ts';
import { exitWithError } from '../shared/error-text.ts';

const USAGE = `usage: npm run sign -- 'ID?QUERY' [--kid NAME] [--expires 1h]
for example: SIGNING_KEYS=main=<hex> npm run sign -- 'products/shoe.jpg?w=800&fmt=webp' --expires 7d`;

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

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { kid: { type: 'string' }, expires: { type: 'string' } },
  });
  const [url] = positionals;
  const config = loadConfig(process.env);
  const kid = values.kid ?? Object.keys(config.signingKeys)[0];
  const key =
    kid !== undefined && Object.hasOwn(config.signingKeys, kid) ? config.signingKeys[kid] : undefined;
  if (url === undefined) throw new Error(USAGE);
  if (kid === undefined || key === undefined)
    throw new Error(`No such key in SIGNING_KEYS: ${kid ?? '(none)'}\n${USAGE}`);
  const seconds = values.expires === undefined ? undefined : readDuration(values.expires);
  if (values.expires !== undefined && seconds === undefined)
    throw new Error(`--expires ${values.expires}: expected 90, 15m, 1h or 7d`);
  const exp = seconds === undefined ? undefined : Math.floor(Date.now() / 1000) + seconds;
  process.stdout.write(
    `${config.publicUrl ?? ''}${signUrl(url, { kid, key, exp, presets: config.presets, ignored: config.ignoredParameters })}\n`,
  );
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    exitWithError(error);
  }
}
