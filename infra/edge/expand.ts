// [edge-safe] Undoes squeeze.ts.

/** Text, marks and phrases, as `squeeze` gives them. */
export type Squeezed = readonly [body: string, marks: string, phrases: readonly string[]];

/** Every mark in the text is replaced by its phrase, which may have marks in turn. */
export function expand(squeezed: Squeezed, text: string): string {
  return text.replace(/./g, (char) => {
    const phrase = squeezed[2][squeezed[1].indexOf(char)];
    return phrase ? expand(squeezed, phrase) : char;
  });
}
