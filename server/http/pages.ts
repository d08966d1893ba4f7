import { constants } from 'node:zlib';
import compress from '@fastify/compress';
import type { FastifyInstance } from 'fastify';

/** Nothing of others, and nothing that is not named here. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

/** Pages are compressed for whoever loads them: at 11, its default, brotli takes ten times the CPU of 5. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

/**
 * Has all that a scope answers go out as pages do: compressed, looked at anew each time, under a strict policy.
 *
 * @param policy  directives of the Content-Security-Policy that this page needs beside those of all
 */
export async function asPages(app: FastifyInstance, policy: readonly string[] = []): Promise<void> {
  const headers = {
    'Cache-Control': 'no-cache',
    'Content-Security-Policy': [...POLICY, ...policy].join('; '),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  };
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(headers);
  });
  await app.register(compress, {
    encodings: ['br', 'gzip'],
    brotliOptions: BROTLI,
    globalDecompression: false,
  });
}
