import { hash } from 'node:crypto';
import sharp from 'sharp';
import { RULES } from '../../../server/core/operations/table.ts';
import type { Laptop } from '../../cloudfront/laptop.ts';
import type { Answer, ViewerRequest } from '../../cloudfront/message.ts';
import { putOriginal } from '../../cloudfront/programs.ts';
import { drawing, randomQuery } from './queries.ts';
import { asked } from './viewer.ts';

const ACCEPTS = [
  '',
  '*/*',
  'image/avif,image/webp,*/*',
  'image/webp,*/*',
  'image/avif;q=0, image/webp;q=0.5',
];
const IDS = ['small.png', 'a b/c+d.png', 'none.png'];

/** Small, so that twenty thousand renders take minutes: what a picture is of is of no matter here. */
export async function putSmall(endpoint: string): Promise<void> {
  const data = Buffer.from(Array.from({ length: 12 * 9 * 4 }, (_, index) => (index * 37) % 256));
  const bytes = await sharp(data, { raw: { width: 12, height: 9, channels: 4 } })
    .png()
    .toBuffer();
  for (const id of IDS.slice(0, 2)) await putOriginal(endpoint, id, new Uint8Array(bytes));
}

/** As it goes over the wire: nothing but visible ASCII can. */
const onTheWire = (query: string): string =>
  query.toWellFormed().replace(/[^\x21-\x7e]|#/gu, encodeURIComponent);

/** Random requests of viewers, good and bad. */
export function randomRequests(seed: number, count: number): ViewerRequest[] {
  const draw = drawing(seed);
  return Array.from({ length: count }, () => {
    const id = draw.pick(IDS).split('/').map(encodeURIComponent).join('/');
    const accept = draw.pick(ACCEPTS);
    return asked(`/img/${id}?${onTheWire(randomQuery(draw, RULES))}`, { headers: accept ? { accept } : {} });
  });
}

/** What two answers must have in common: of pictures every byte, of refusals status and code. */
export function essence({ status, headers, body }: Answer): string {
  if (status === 200) return `${headers['content-type']} ${hash('sha256', body, 'hex')}`;
  const text = body.toString();
  // What no server of ours has said is shown as it is.
  return text.startsWith('{') ? `${status} ${JSON.parse(text).code}` : `${status} ${text}`;
}

/** The same asked of the server alone. */
export async function fromServer(
  { programs }: Laptop,
  { path, query, headers }: ViewerRequest,
): Promise<Answer> {
  const answer = await fetch(`${programs.server}${path}?${query}`, { headers: { accept: '', ...headers } });
  return {
    status: answer.status,
    headers: Object.fromEntries(answer.headers),
    body: Buffer.from(await answer.arrayBuffer()),
  };
}

export interface Comparison {
  differences: object[];
  pictures: number;
  refused: number;
  /** Answers by what X-Cache and the origin say. */
  sources: Record<string, number>;
}

const AT_ONCE = 4;

/** Asks edge and server for every request, a few at a time. */
export async function compare(whole: Laptop, requests: readonly ViewerRequest[]): Promise<Comparison> {
  const found: Comparison = { differences: [], pictures: 0, refused: 0, sources: {} };
  const queue = [...requests];
  const work = async () => {
    for (let request = queue.pop(); request; request = queue.pop()) {
      const byEdge = await whole.edge.answer(request);
      const alone = await fromServer(whole, request);
      const source = `${byEdge.headers['x-cache']?.split(' ')[0]} ${byEdge.headers['x-amz-request-id'] ? 'bucket' : 'server'}`;
      found.sources[source] = (found.sources[source] ?? 0) + 1;
      if (byEdge.status === 200) found.pictures += 1;
      else found.refused += 1;
      if (essence(byEdge) === essence(alone)) continue;
      found.differences.push({
        url: `${request.path}?${request.query}`,
        edge: essence(byEdge),
        alone: essence(alone),
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}
