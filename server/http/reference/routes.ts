import { readFileSync } from 'node:fs';
import compress from '@fastify/compress';
import type { FastifyInstance } from 'fastify';
import type { Document } from './document.ts';
import { referencePage } from './page.ts';

/** No script, no other address. */
const HEADERS = {
  'Cache-Control': 'no-cache',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** The page of the API at /docs/, made of the document when somebody asks for it first. */
export async function referenceRoutes(app: FastifyInstance): Promise<void> {
  const style = readFileSync(new URL('./reference.css', import.meta.url), 'utf8');
  let page: string | undefined;
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS);
  });
  await app.register(compress, { encodings: ['br', 'gzip'], globalDecompression: false });
  const schema = { hide: true };
  for (const url of ['/docs', '/docs/'])
    app.get(url, { schema }, (_request, reply) => {
      // Of our own making, a few lines above: openapi.ts.
      page ??= referencePage(app.swagger() as unknown as Document);
      return reply.type('text/html; charset=utf-8').send(page);
    });
  app.get('/docs/reference.css', { schema }, (_request, reply) =>
    reply.type('text/css; charset=utf-8').send(style),
  );
}
