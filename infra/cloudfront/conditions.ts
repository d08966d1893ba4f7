import type { Answer, ViewerRequest } from './message.ts';

const weak = (tag: string): string => tag.trim().replace(/^W\//, '');

function isUnchanged({ headers }: Answer, request: ViewerRequest): boolean {
  const tags = request.headers['if-none-match'];
  // RFC 9110, 13.2.2: a date counts only where no tag is given.
  if (tags !== undefined)
    return tags.trim() === '*' || tags.split(',').some((tag) => weak(tag) === weak(headers['etag'] ?? ''));
  const since = Date.parse(request.headers['if-modified-since'] ?? '');
  const modified = Date.parse(headers['last-modified'] ?? '');
  return !Number.isNaN(since) && !Number.isNaN(modified) && modified <= since;
}

/** First and last byte, of one range that can be had; undefined where the whole is answered. */
function rangeOf(text: string, length: number): readonly [first: number, last: number] | 'none' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(text) ?? [];
  if (from === '' && to === '') return undefined;
  const first = from === '' ? Math.max(0, length - Number(to)) : Number(from);
  const last = from === '' || to === '' ? length - 1 : Math.min(length - 1, Number(to));
  return first > last || first >= length ? 'none' : [first, last];
}

/** "How CloudFront processes partial requests": ranges and conditions of a viewer are answered from what is kept. */
export function asRequested(answer: Answer, request: ViewerRequest): Answer {
  if (answer.status !== 200 || !['GET', 'HEAD'].includes(request.method)) return answer;
  const { 'content-length': _length, ...headers } = answer.headers;
  if (isUnchanged(answer, request)) return { status: 304, headers, body: Buffer.alloc(0) };
  const range = request.headers['range'];
  const wanted =
    range === undefined || request.method === 'HEAD' ? undefined : rangeOf(range, answer.body.length);
  if (!wanted) return answer;
  if (wanted === 'none')
    return {
      status: 416,
      headers: { 'content-range': `bytes */${answer.body.length}` },
      body: Buffer.alloc(0),
    };
  const [first, last] = wanted;
  const span = `bytes ${first}-${last}/${answer.body.length}`;
  return {
    status: 206,
    headers: { ...headers, 'content-range': span },
    body: answer.body.subarray(first, last + 1),
  };
}
