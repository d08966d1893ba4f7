import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Behaviour } from './distribution.ts';
import type { Answer, ViewerRequest } from './message.ts';

/** "Serve compressed files": sizes and statuses; of the types those that text has. */
const SMALLEST_BYTES = 1000;
const LARGEST_BYTES = 10_000_000;
const STATUSES: readonly number[] = [200, 403, 404];
const TYPES =
  /^(text\/|image\/svg\+xml|application\/(json|javascript|xml|vnd\.ms-fontobject|x-font-ttf|wasm))/;

/** Compresses an answer on its way into the cache, where the behaviour, its cache policy and the viewer ask for it. */
export function compressed(answer: Answer, { compress, cache }: Behaviour, request: ViewerRequest): Answer {
  const { headers, body, status } = answer;
  const accepted = request.headers['accept-encoding'] ?? '';
  const isFit =
    STATUSES.includes(status) &&
    TYPES.test(headers['content-type'] ?? '') &&
    headers['content-encoding'] === undefined &&
    headers['content-length'] !== undefined &&
    body.length >= SMALLEST_BYTES &&
    body.length <= LARGEST_BYTES;
  if (!compress || !isFit) return answer;
  const encoding =
    cache.brotli && /\bbr\b/.test(accepted) ? 'br' : cache.gzip && /\bgzip\b/.test(accepted) ? 'gzip' : '';
  if (!encoding) return answer;
  const packed = encoding === 'br' ? brotliCompressSync(body) : gzipSync(body);
  const { 'content-length': _length, etag, ...kept } = headers;
  // The bytes are others, so a strong tag becomes a weak one.
  const weak: Record<string, string> = etag ? { etag: etag.startsWith('W/') ? etag : `W/${etag}` } : {};
  return {
    status,
    headers: { ...kept, ...weak, 'content-encoding': encoding, vary: 'Accept-Encoding' },
    body: packed,
  };
}
