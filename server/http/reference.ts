import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { asPages } from './pages.ts';
import type { Document } from './reference/document.ts';
import { referencePage } from './reference/page.ts';

/** The page of the API at /docs/, made of the document when somebody asks for it first. */
export async function referenceRoutes(app: FastifyInstance): Promise<void> {
  const style = readFileSync(new URL('./reference/reference.css', import.meta.url), 'utf8');
  let page: string | undefined;
  await asPages(app);
  const schema = { hide: true };
  for (const url of ['/docs', '/docs/'])
    app.get(url, { schema }, (_request, reply) => {
      // Of our own making: openapi.ts.
      page ??= referencePage(app.swagger() as unknown as Document);
      return reply.type('text/html; charset=utf-8').send(page);
    });
  app.get('/docs/reference.css', { schema }, (_request, reply) =>
    reply.type('text/css; charset=utf-8').send(style),
  );
}
