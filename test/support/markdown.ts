import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { anchor } from '../../docs/markdown.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The pages that people read, by path from the root. */
export function pages(): Map<string, string> {
  const docs = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith('.md'));
  const roots = readdirSync(ROOT).filter((name) => name.endsWith('.md'));
  const paths = [...roots, 'samples/CREDITS.md', ...docs.map((name) => `docs/${name}`)];
  return new Map(paths.map((path) => [path, readFileSync(`${ROOT}${path}`, 'utf8')]));
}

const withoutCode = (text: string): string => text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');

/** Targets of links and pictures that lead to files of the repository. */
export function internalLinks(text: string): string[] {
  const targets = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** What a `#` of a page may name: headings as GitHub spells them, and anchors. */
export function anchors(text: string): Set<string> {
  const titles = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/^#+ (.+)$/gm)];
  const headings = titles.map(([, title = '']) => anchor(title));
  return new Set([...headings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id)]);
}

/** Image URLs, as a browser would read them; those with a placeholder or a pattern in them are left out. */
export function imageUrls(text: string): string[] {
  const found = text.match(/\/img\/[^\s"'`)\]>|,]*(?:,[^\s"'`)\]>|,]+)*/g) ?? [];
  return found
    .map((url) => url.replaceAll('&amp;', '&'))
    .filter((url) => !/[<…*{]/.test(url) && url !== '/img/');
}

/** Lines of the fenced shell examples. */
export function shellLines(text: string): string[] {
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** What a page shows below a command: the block that follows its own, by the command. */
export function answers(text: string): Map<string, string> {
  const found = text.matchAll(/```sh\n([^\n]*)\n```\s+(?:[^\n`]+\n+)?```(?:json|text)\n([\s\S]*?)```/g);
  return new Map([...found].map(([, line = '', answer = '']) => [line, answer]));
}
