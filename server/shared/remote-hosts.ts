import { isIP } from 'node:net';

/** A host that originals may be fetched from. */
export interface RemoteHost {
  /** As a URL has it, in lower case; `*.example.com`: all below it, `*`: all. */
  readonly name: string;
  /** '' the one that the scheme has. */
  readonly port: string;
  /** Whether http will do as well as https. */
  readonly allowsHttp: boolean;
}

/** Of a URL, an IPv6 address without its brackets. */
export const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

const WRITTEN = /^(https?:\/\/)?((?:\*\.)?[^/?#@:*[\]\s]+|\[[0-9a-f:.]+\]|\*)(?::(\d{1,5}))?$/i;

/** Reads `example.com`, `*.example.com`, `http://example.com:8080` or `*`; undefined for anything else. */
export function readRemoteHost(text: string): RemoteHost | undefined {
  const [, scheme = 'https://', host = '', port = ''] = WRITTEN.exec(text) ?? [];
  const below = host.startsWith('*.') ? '*.' : '';
  const written = `${scheme}${host.slice(below.length).replace(/^\*$/, 'any.invalid')}${port && `:${port}`}`;
  if (host === '' || !URL.canParse(written)) return undefined;
  const url = new URL(written);
  // An address has no names below it.
  if (below && isIP(hostOf(url)) !== 0) return undefined;
  const name = host === '*' ? '*' : below + url.hostname;
  return { name, port: url.port, allowsHttp: url.protocol === 'http:' };
}

/** Whether an original may be fetched from this address, as far as its text says. */
export function isAllowedUrl(url: URL, hosts: readonly RemoteHost[]): boolean {
  return hosts.some(
    ({ name, port, allowsHttp }) =>
      (url.protocol === 'https:' || (url.protocol === 'http:' && allowsHttp)) &&
      url.port === port &&
      (name === '*' ||
        name === url.hostname ||
        (name.startsWith('*.') && url.hostname.endsWith(name.slice(1)))),
  );
}
