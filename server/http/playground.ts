import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants } from 'node:zlib';
import compress from '@fastify/compress';
import files, { type FastifyStaticOptions } from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { type PlaygroundOptions, playgroundForm } from './playground-form.ts';

const ASSETS = fileURLToPath(new URL('./playground/', import.meta.url));

const folderOf = (module: string): string => dirname(fileURLToPath(import.meta.resolve(module)));

/** Libraries of the page as their packages ship them: each a folder of modules that name no other package. */
const LIBRARIES = {
  '/playground/lib/lit-html/': { root: folderOf('lit-html'), files: /^\/[\w-]+(\/[\w-]+)?\.js$/ },
  '/playground/lib/ssim/': { root: folderOf('ssim.js'), files: /^\/ssim\.web\.js$/ },
};

/** Nothing but our own files, and pictures that the page itself has fetched. */
const HEADERS = {
  'Cache-Control': 'no-cache',
  'Content-Security-Policy':
    "default-src 'none'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** Packages that npm has unpacked have one time of 1985: neither it nor an ETag made of it tells two releases apart. */
const SENT = { index: false, etag: false, lastModified: false, cacheControl: false } as const;

/** A page of 25 files is compressed for whoever loads it: at 11, its default, brotli takes ten times the CPU of 5. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

/** The playground at `/`: a page that knows the table, and nothing that the network does not give it. */
export async function playgroundRoutes(app: FastifyInstance, options: PlaygroundOptions): Promise<void> {
  const form = await playgroundForm(options);
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS);
  });
  await app.register(compress, {
    encodings: ['br', 'gzip'],
    brotliOptions: BROTLI,
    globalDecompression: false,
  });
  await app.register(files, { ...SENT, root: ASSETS, prefix: '/playground/' } satisfies FastifyStaticOptions);
  for (const [prefix, { root, files: served }] of Object.entries(LIBRARIES)) {
    const allowedPath = (path: string) => served.test(path);
    await app.register(files, { ...SENT, root, prefix, allowedPath, decorateReply: false });
  }
  const schema = { hide: true };
  app.get('/playground/form.json', { schema }, async () => form);
  app.get('/', { schema }, (_request, reply) => reply.sendFile('index.html'));
}
