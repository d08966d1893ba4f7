import { readFile, writeFile } from 'node:fs/promises';
import { clientParameters } from './client-parameters.ts';
import { renderSamples } from './samples.ts';
import { SECTIONS, type Sections } from './tables.ts';

const ROOT = new URL('..', import.meta.url);

const start = (name: string): string => `<!-- generated: ${name} -->`;
const END = '<!-- end of generated -->';

/**
 * Puts generated sections between their markers.
 *
 * @returns  the new text, and the names of the sections that were not up to date
 * @throws Error that names a section without markers
 */
export async function fill(text: string, sections: Sections): Promise<{ text: string; stale: string[] }> {
  const stale: string[] = [];
  let filled = text;
  for (const [name, make] of Object.entries(sections)) {
    const from = filled.indexOf(start(name));
    const to = filled.indexOf(END, from);
    if (from < 0 || to < 0) throw new Error(`No markers for the section "${name}".`);
    const wanted = `${start(name)}\n${await make()}\n`;
    if (filled.slice(from, to) !== wanted) stale.push(name);
    filled = filled.slice(0, from) + wanted + filled.slice(to);
  }
  return { text: filled, stale };
}

/** Writes every stale section; with `check` only tells. One line for each. */
export async function generate(check: boolean): Promise<string[]> {
  const told: string[] = [];
  for (const [file, sections] of Object.entries(SECTIONS)) {
    const url = new URL(file, ROOT);
    const { text, stale } = await fill(await readFile(url, 'utf8'), sections);
    if (stale.length && !check) await writeFile(url, text);
    told.push(...stale.map((name) => `${file}: ${name}`));
  }
  return [...told, ...clientParameters(check)];
}

if (import.meta.main) {
  const check = process.argv.includes('--check');
  const told = [...(await generate(check)), ...(await renderSamples(check))];
  for (const line of told) process.stdout.write(`${check ? 'stale' : 'written'}: ${line}\n`);
  if (check && told.length) process.exitCode = 1;
}
