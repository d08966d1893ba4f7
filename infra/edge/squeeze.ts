import type { Dictionary } from './expand.ts';

const LONGEST = 30;

/** How often each phrase stands in the texts, overlaps not counted; only those that repeat. */
function countPhrases(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  let places = texts.flatMap((text) => Array.from(text, (_, from) => ({ text, from })));
  // A phrase repeats only where the phrase that it begins with does, so few places are left after a few rounds.
  for (let length = 2; length <= LONGEST && places.length > 0; length++) {
    const found = Map.groupBy(
      places.filter(({ text, from }) => from + length <= text.length),
      ({ text, from }) => text.slice(from, from + length),
    );
    places = [...found.values()].filter((same) => same.length > 1).flat();
    for (const [phrase, same] of found) if (same.length > 1) counts.set(phrase, apart(same, length));
  }
  return counts;
}

/** How many of the places do not overlap; they come in order. */
function apart(places: readonly { text: string; from: number }[], length: number): number {
  let count = 0;
  let end = 0;
  let last = '';
  for (const { text, from } of places) {
    if (text === last && from < end) continue;
    last = text;
    end = from + length;
    count++;
  }
  return count;
}

/** The phrase that saves most when one character stands for it; its own place in the dictionary is paid for. */
function bestPhrase(texts: readonly string[]): string | undefined {
  let best: string | undefined;
  let most = 0;
  for (const [phrase, count] of countPhrases(texts)) {
    const saved = (count - 1) * (phrase.length - 1) - 3;
    if (saved > most) {
      most = saved;
      best = phrase;
    }
  }
  return best;
}

/** Printable characters that need no escape in a string or in JSON. */
function freeMarks(text: string): string[] {
  const printable = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at));
  return printable.filter((mark) => !text.includes(mark) && !'"\\~'.includes(mark));
}

/** `~` is kept for joining what comes out. */
export interface Squeezed {
  dictionary: Dictionary;
  texts: readonly string[];
}

/**
 * Texts made smaller for a place that has room for 10 KB: replaces the phrases that repeat most, one after another,
 * as long as that saves anything.
 */
export function squeeze(texts: readonly string[]): Squeezed {
  let left = texts;
  const phrases: string[] = [];
  const marks = freeMarks(texts.join(''));
  for (const mark of marks) {
    const phrase = bestPhrase(left);
    if (!phrase) break;
    left = left.map((one) => one.replaceAll(phrase, () => mark));
    phrases.push(phrase);
  }
  return { dictionary: [marks.slice(0, phrases.length).join(''), phrases], texts: left };
}
