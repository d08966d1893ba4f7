import { Problem } from '../../shared/errors.ts';
import { NEGOTIATED } from '../query/accept.ts';
import type { Canonical } from '../query/canonical.ts';
import type { Presets } from '../query/rule.ts';
import { readQuery, resolved } from './transformation.ts';

/**
 * The variants that a query of a warm list stands for. With fmt=auto it is every one that negotiation can
 * lead to, so that whoever asks first does not wait.
 *
 * @param query  a query as in a URL, or a preset as `p=name`
 * @throws Problem of readQuery; `invalid_parameter` for what belongs to a URL (sig, exp, dl, …)
 */
export function variantsOf(query: string, presets: Presets): string[] {
  const read = readQuery(query.replace(/^\?/, ''), presets);
  const foreign = Object.keys(read.url)[0];
  if (foreign) {
    const detail = `"${foreign}" belongs to a URL, not to a variant.`;
    throw new Problem('invalid_parameter', detail, { param: foreign, received: query });
  }
  return formsOf(read);
}

/** Canonical forms, format resolved, that a transformation leads to. */
export function formsOf({ canonical, negotiable }: Canonical): string[] {
  return negotiable ? [...new Set(NEGOTIATED.map((format) => resolved(canonical, format)))] : [canonical];
}

/** Of a whole list, each once, in order. */
export function variantsOfAll(queries: readonly string[], presets: Presets): string[] {
  return [...new Set(queries.flatMap((query) => variantsOf(query, presets)))];
}
