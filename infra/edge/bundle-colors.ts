import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { piecesOf } from './pieces.ts';

const SOURCE = join(import.meta.dirname, '..', '..', 'server', 'core', 'query', 'colors.ts');
const TABLE = /const NAMED =([^;]*);/;

function source(): { text: string; literals: string } {
  const text = readFileSync(SOURCE, 'utf8');
  const literals = TABLE.exec(text)?.[1];
  if (!literals) throw new Error(`${SOURCE} has no table of names where this looks for it`);
  return { text, literals };
}

/** The colour names as one text, in pieces for the KeyValueStore. */
export function colorPieces(): string[] {
  const words = [...source().literals.matchAll(/'([^']*)'/g)].flatMap(([, part]) => String(part).split(' '));
  return piecesOf(` ${words.filter(Boolean).join(' ')} `);
}

/** The same module with its table taken from named.ts. */
export const colorsFromStore: Plugin = {
  name: 'colors-from-store',
  setup(build) {
    build.onLoad({ filter: /server[\\/]core[\\/]query[\\/]colors\.ts$/ }, () => ({
      loader: 'ts',
      contents: source().text.replace(
        TABLE,
        `import { named as NAMED } from ${JSON.stringify(join(import.meta.dirname, 'named.ts'))};`,
      ),
    }));
  },
};
