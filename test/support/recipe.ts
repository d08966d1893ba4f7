import { pages } from './markdown.ts';

/** A block of a recipe, with the file that was named before it. */
export interface Step {
  readonly file: string;
  readonly kind: string;
  readonly text: string;
}

/**
 * The blocks of a recipe of CONTRIBUTING.
 *
 * @param title  of its section
 */
export function stepsOf(title: string): Step[] {
  const page = pages().get('CONTRIBUTING.md') ?? '';
  const recipe = page.split(/^### /m).find((section) => section.startsWith(`${title}\n`)) ?? '';
  const text = recipe.replace(/^ {3}/gm, '');
  let file = '';
  return [...text.matchAll(/^`([\w./-]+)`$|^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(
    ([, named, kind, body = '']) => {
      if (kind) return [{ file, kind, text: body }];
      file = named ?? '';
      return [];
    },
  );
}

/**
 * Puts the added lines of a diff where its other lines stand.
 *
 * @throws Error when they stand nowhere, or in two places
 */
export function patched(text: string, { file, text: diff }: Step): string {
  const lines = diff.trimEnd().split('\n');
  const before = lines.filter((line) => !line.startsWith('+')).map((line) => line.slice(1));
  const after = lines.map((line) => line.slice(1));
  const parts = text.split(`${before.join('\n')}\n`);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places for:\n${diff}`);
  return parts.join(`${after.join('\n')}\n`);
}
