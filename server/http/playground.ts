import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import files, { type FastifyStaticOptions } from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { asPages } from './pages.ts';
import { type PlaygroundOptions, playgroundForm } from './playground-form.ts';

const ASSETS = fileURLToPath(new URL('./playground/', import.meta.url));

const folderOf = (module: string): string => dirname(fileURLToPath(import.meta.resolve(module)));

/** Libraries of the page as their packages ship them: each a folder of modules that name no other package. */
const LIBRARIES = {
  '/playground/lib/lit-html/': { root: folderOf('lit-html'), files: /^\/[\w-]+(\/[\w-]+)?\.js$/ },
  '/playground/lib/ssim/': { root: folderOf('ssim.js'), files: /^\/ssim\.web\.js$/ },
};

/** Nothing but our own files, and pictures that the page itself has fetched. */
const POLICY = [
  "img-src 'self' blob: data:",
  "script-src 'self'",
  "connect-src 'self'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html',
];

/** Packages that npm has unpacked have one time of 1985: neither it nor an ETag made of it tells two releases apart. */
const SENT = { index: false, etag: false, lastModified: false, cacheControl: false } as const;

/** The playground at `/`: a page that knows the table, and nothing that the network does not give it. */
export async function playgroundRoutes(app: FastifyInstance, options: PlaygroundOptions): Promise<void> {
  const form = await playgroundForm(options);
  await asPages(app, POLICY);
  await app.register(files, { ...SENT, root: ASSETS, prefix: '/playground/' } satisfies FastifyStaticOptions);
  for (const [prefix, { root, files: served }] of Object.entries(LIBRARIES)) {
    const allowedPath = (path: string) => served.test(path);
    await app.register(files, { ...SENT, root, prefix, allowedPath, decorateReply: false });
  }
  const schema = { hide: true };
  app.get('/playground/form.json', { schema }, async () => form);
  app.get('/', { schema }, (_request, reply) => reply.sendFile('index.html'));
}
