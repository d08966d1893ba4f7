import { ALIASES } from './parameters.ts';

export interface ParsedUrl {
  readonly base: string;
  readonly id: string;
  /** Every parameter under its key, whatever alias it had. */
  readonly params: Readonly<Record<string, string>>;
}

/** Reads an address of a picture back; undefined for any other one. A canonical form in the path is read, too. */
export function parse(url: string): ParsedUrl | undefined {
  const [, base = '', path = '', query = ''] = /^(.*?)\/img\/([^?#]+)\??([^#]*)/.exec(url) ?? [];
  const [, written = '', form = ''] = /^(.*?)(?:\/([^/=]*=[^/]*))?$/.exec(path) ?? [];
  if (written === '') return undefined;
  try {
    const pairs = new URLSearchParams([form, query].filter(Boolean).join('&'));
    const params = [...pairs].map(([key, value]) => [ALIASES[key] ?? key, value]);
    return { base, id: decodeURIComponent(written), params: Object.fromEntries(params) };
  } catch {
    return undefined;
  }
}
