import { lookup } from 'node:dns';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Problem } from './errors.ts';
import { request as requestHttp } from './node-http.ts';
import { hostOf } from './remote-hosts.ts';

/** Longest silence of a server that we call. */
const SILENCE_MS = 10_000;

/** Addresses that are not of the public internet (IANA special-purpose registries), cloud metadata among them. */
const PRIVATE = new BlockList();
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // The host of each Azure machine, though nobody on the internet can be there.
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  PRIVATE.addSubnet(address, bits, 'ipv4');
}

/**
 * All public IPv6 addresses lie here, but for tunnels and documentation: 2002:: and 64:ff9b:: carry an IPv4 address
 * that may be private, 2001:db8:: and 3fff:: (RFC 9637) are nobody's.
 */
const GLOBAL_V6 = new BlockList();
GLOBAL_V6.addSubnet('2000::', 3, 'ipv6');
const SPECIAL_V6 = new BlockList();
SPECIAL_V6.addSubnet('2001::', 23, 'ipv6');
SPECIAL_V6.addSubnet('2001:db8::', 32, 'ipv6');
SPECIAL_V6.addSubnet('2002::', 16, 'ipv6');
SPECIAL_V6.addSubnet('3fff::', 20, 'ipv6');

/** Whether anybody on the internet may be at this IP address. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !PRIVATE.check(address, 'ipv4');
  return GLOBAL_V6.check(address, 'ipv6') && !SPECIAL_V6.check(address, 'ipv6');
}

/**
 * @throws Problem `invalid_parameter` for what can be told from the URL alone; names are looked up when called
 */
export function checkWebhook(text: string, { allowPrivate }: { allowPrivate: boolean }): void {
  const allowed = allowPrivate
    ? 'an http or https URL, and not that of a metadata service'
    : 'an https URL of a public host';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWeb = url?.protocol === 'https:' || (allowPrivate && url?.protocol === 'http:');
  const host = url ? hostOf(url) : '';
  const isReachable = isIP(host) === 0 || isReachableAddress(host, { allowPrivate });
  if (url && isWeb && isReachable && url.username === '' && url.password === '') return;
  const facts = { param: 'webhook', received: text, allowed };
  throw new Problem('invalid_parameter', `The webhook must be ${allowed}.`, facts);
}

/** Where clouds hand out the keys of a machine: nobody's pictures, whatever a deployment allows. */
const METADATA = new BlockList();
METADATA.addSubnet('169.254.0.0', 16, 'ipv4');
METADATA.addAddress('100.100.100.200', 'ipv4');
METADATA.addAddress('168.63.129.16', 'ipv4');
METADATA.addAddress('192.0.0.192', 'ipv4');
METADATA.addSubnet('fe80::', 10, 'ipv6');
METADATA.addSubnet('fd00:ec2::', 32, 'ipv6');
METADATA.addSubnet('fd20:ce::', 64, 'ipv6');

/**
 * Ways to an IPv4 address, which may be that of metadata: IPv4-compatible, translated (RFC 2765), NAT64 (RFC 6052, 8215),
 * Teredo and 6to4. Nobody has pictures there that are not to be had by IPv4 as well.
 */
const CARRIERS = new BlockList();
for (const [address, bits] of [
  ['::', 96],
  ['::ffff:0:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
] as const)
  CARRIERS.addSubnet(address, bits, 'ipv6');
const LOOPBACK_V6 = new BlockList();
LOOPBACK_V6.addAddress('::1', 'ipv6');

/** Whether a program that may call private addresses may call this one. */
export function isReachableAddress(address: string, { allowPrivate }: { allowPrivate: boolean }): boolean {
  if (!allowPrivate) return isPublicAddress(address);
  if (isIP(address) === 4) return !METADATA.check(address, 'ipv4');
  // Of ::ffff:169.254.169.254 the list tells by itself that it is 169.254.169.254.
  if (METADATA.check(address, 'ipv6')) return false;
  return !CARRIERS.check(address, 'ipv6') || LOOPBACK_V6.check(address, 'ipv6');
}

/** Whether all that a name stands for may be called: one private address among others is where an attacker points. */
export function isReachableHost(
  addresses: ReadonlyArray<{ readonly address: string }>,
  rules: { allowPrivate: boolean },
): boolean {
  return addresses.length > 0 && addresses.every(({ address }) => isReachableAddress(address, rules));
}

/** A name that stands for an address which may not be called. */
export class ForbiddenHost extends Error {}

/** Hands the connection only addresses that were checked: a name that resolves anew later gains nothing. */
export const checkedLookup =
  (rules: { allowPrivate: boolean }): LookupFunction =>
  (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, '', 0);
      const [first] = addresses;
      if (!first || !isReachableHost(addresses, rules)) {
        return done(new ForbiddenHost(`${hostname} is not a public host`), '', 0);
      }
      return options.all ? done(null, addresses) : done(null, first.address, first.family);
    });
  };

/**
 * Resolves to the answer to a request that is on its way; rejects with what ended it, whatever that was. Of a 101 that nobody
 * asked for node:http tells no error: it closes the connection, and the request is neither answered nor failed.
 */
export function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.on('response', resolve);
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response);
    });
    sent.on('error', reject);
    sent.on('close', () => reject(new Error('the connection ended without an answer')));
  });
}

/**
 * POSTs JSON to a foreign server. Follows no redirect and reads no body.
 *
 * @returns the status of the answer
 */
export async function post(
  target: string,
  body: string,
  headers: Record<string, string>,
  { allowPrivate }: { allowPrivate: boolean },
): Promise<number> {
  checkWebhook(target, { allowPrivate });
  const url = new URL(target);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  const sent = request(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      ...headers,
    },
    signal: AbortSignal.timeout(SILENCE_MS),
    lookup: checkedLookup({ allowPrivate }),
  });
  const answer = answerTo(sent);
  sent.end(body);
  const response = await answer;
  response.destroy();
  return response.statusCode ?? 0;
}
