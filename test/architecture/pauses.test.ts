import t from 'tap';
import { readSources } from './imports.ts';

/** Retries that meet nobody: pages of dead letters, keys of a batch that are asked for with a pause of their own. */
const LOOP = /for \(let (?:round|rounds|attempt)s? = \d; (?:[^;]*(?:ROUNDS|ATTEMPTS|TRIES))?;/g;

/** Uses of the loop that most of them share. */
const SHARED = /\buntilWritten\((?!what: )/g;

/** The body of a loop, by its braces. */
function bodyOf(text: string, start: number): string {
  let depth = 0;
  for (let index = text.indexOf('{', start); index < text.length; index++) {
    if (text[index] === '{') depth += 1;
    if (text[index] === '}') depth -= 1;
    if (depth === 0) return text.slice(start, index + 1);
  }
  return text.slice(start);
}

const hasPause = (body: string): boolean => /\b(?:pause|backOff|sleep)\(|deadLetters/.test(body);
const unpaused = (text: string): string[] =>
  [...text.matchAll(LOOP)].map(({ index }) => bodyOf(text, index)).filter((body) => !hasPause(body));

t.test('whoever looks again at what others write pauses first, by a time of his own', async (t) => {
  let loops = 0;
  for (const [file, text] of readSources('server', 'warmer')) {
    loops += [...text.matchAll(LOOP), ...text.matchAll(SHARED)].length;
    t.same(unpaused(text), [], file);
  }
  t.ok(loops >= 10, `${loops} loops`);
  const planted =
    'for (let round = 0; round < ROUNDS; round++) { const { a } = await get(); if (await put(a)) return; }';
  t.equal(unpaused(planted).length, 1, 'one without is found');
});
