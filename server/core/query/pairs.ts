// [edge-safe] Like canonical.ts; see rule.ts for the limits.
import type { Pairs } from './rule.ts';

/**
 * Splits a raw query string as it stands behind `?`. Pages that escape their links twice send `&amp;` for `&`, and
 * what parses and prints a URL makes `&amp%3B` of that.
 *
 * @returns  undefined when a percent-escape is broken
 */
export function splitQuery(raw: string): Pairs | undefined {
  try {
    return raw
      .split(/&(?:amp(?:;|%3b))*/i)
      .filter((part) => part)
      .map((part) => {
        const position = part.indexOf('=');
        return position < 0
          ? [decode(part), '']
          : [decode(part.slice(0, position)), decode(part.slice(position + 1))];
      });
  } catch (_broken) {
    return undefined;
  }
}

/** Without what a deployment's own pages append. */
export function withoutIgnored(pairs: Pairs, ignored: readonly string[]): Pairs {
  return pairs.filter((pair) => ignored.indexOf(pair[0]) < 0);
}

function decode(text: string): string {
  return decodeURIComponent(text.replace(/\+/g, ' '));
}
