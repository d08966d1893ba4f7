import { isProblem } from '../../shared/errors.ts';
import type { Presets } from '../query/rule.ts';
import { INDEX, readPairs, readTransformation } from './transformation.ts';

/** The original as it is, which no preset makes. */
export const PRESET_FREE = 'the empty query';

/** Every dpr that the grammar tells from others: quarters from 1 on. */
const DPRS = (INDEX.byName['$dpr']?.grammar ?? []).flatMap((grammar) =>
  grammar[0] === 'density'
    ? Array.from({ length: grammar[2] * 4 - 3 }, (_, quarter) => String(1 + quarter / 4))
    : [],
);

/** Every value of `fmt`, `auto` among them. */
const FORMATS = (INDEX.byName['$fmt']?.grammar ?? []).flatMap((grammar) =>
  grammar[0] === 'enum' ? [...new Set(Object.values(grammar[1]))] : [],
);

/**
 * Canonical forms of every picture that presets make, in all steps of dpr and all formats. Whole forms are
 * compared: what a format has no use for (q of a PNG) is not in the form that is asked for either.
 */
export function presetForms(presets: Presets): Set<string> {
  const forms = new Set<string>();
  for (const name of Object.keys(presets)) {
    for (const dpr of DPRS) {
      for (const fmt of FORMATS) {
        const form = formOf({ p: name.slice(1), dpr, fmt }, presets);
        if (form !== undefined) forms.add(form);
      }
    }
  }
  return forms;
}

/** Undefined for what the grammar refuses, as a dpr that would pass the largest side: nobody can ask for it. */
function formOf(query: Readonly<Record<string, string>>, presets: Presets): string | undefined {
  try {
    return readPairs(Object.entries(query), presets).canonical;
  } catch (error) {
    if (isProblem(error)) return undefined;
    throw error;
  }
}

/**
 * What of a canonical form is outside the allowed widths, as a person would say it; undefined where nothing is.
 *
 * @param widths  empty: all
 */
export function refusedWidth(
  canonical: string,
  widths: readonly number[],
): { readonly param: 'w' | 'h'; readonly received: string; readonly value: number } | undefined {
  if (widths.length === 0) return undefined;
  const { w, h } = readTransformation(canonical);
  if (w !== undefined) return widths.includes(w) ? undefined : { param: 'w', received: `w=${w}`, value: w };
  return h === undefined ? undefined : { param: 'h', received: 'a height without a width', value: h };
}
