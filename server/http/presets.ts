import type { FastifyInstance } from 'fastify';
import { readPairs } from '../core/operations/transformation.ts';
import type { Presets } from '../core/query/rule.ts';
import { PROBLEMS } from './image-schema.ts';

const TEXTS = { type: 'object', additionalProperties: { type: 'string' } };

/** What `p` and `wm` may name. */
export function presetRoutes(app: FastifyInstance, presets: Presets, watermarks: readonly string[]): void {
  const schema = {
    tags: ['images'],
    summary: 'Registered presets, each with its canonical form, and watermarks.',
    response: {
      200: {
        description: 'Canonical forms by name, and the names of watermarks.',
        type: 'object',
        properties: { presets: TEXTS, watermarks: { type: 'array', items: { type: 'string' } } },
      },
      ...PROBLEMS,
    },
  };
  app.get('/api/presets', { schema }, async () => ({
    presets: Object.fromEntries(
      Object.keys(presets).map((name) => [
        name.slice(1),
        readPairs([['p', name.slice(1)]], presets).canonical,
      ]),
    ),
    watermarks,
  }));
}
