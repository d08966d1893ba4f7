import { formsOf, variantsOf } from '../core/operations/variants.ts';
import type { Canonical } from '../core/query/canonical.ts';
import type { Presets } from '../core/query/rule.ts';
import { isProblem, Problem } from '../shared/errors.ts';
import type { Requested } from '../stores/variants.ts';
import { type OperationStep, readOperations } from './operations-list.ts';

/** A variant as a caller asks for it: a query, a preset (`p=card`), or a list of operations. */
export type VariantSpec = string | readonly OperationStep[];

/** Canonical forms that one request may name. */
export const MAX_VARIANTS_IN_REQUEST = 100;

export interface WarmRequestOptions {
  readonly presets: Presets;
  /** Throws for what this deployment refuses. */
  readonly check: (canonical: string) => void;
}

/** What a request asks to warm; `operations` is one more variant. */
export interface WarmRequest {
  readonly variants?: readonly VariantSpec[] | undefined;
  readonly operations?: readonly OperationStep[] | undefined;
}

/** What a request comes to. */
export interface WarmList {
  /** Canonical forms, each once, in order. */
  readonly forms: readonly string[];
  /** A query as it was written; of a list of operations the query that says the same. */
  readonly requested: Requested;
}

/**
 * Canonical forms of what a request asks to warm. Refusals name the place: the width of
 * the second variant is `variants[1].w`.
 *
 * @throws Problem of variantsOf and readOperations; `not_allowed` for what this deployment does not make
 */
export function readWarmRequest(
  { variants = [], operations }: WarmRequest,
  options: WarmRequestOptions,
): WarmList {
  const items = variants.map((variant, index) => readOne(variant, options, `variants[${index}]`));
  const lists = operations ? [...items, readOne(operations, options, 'operations')] : items;
  const requested: Record<string, string[]> = {};
  for (const { forms, text } of lists)
    for (const form of forms) requested[form] = [...new Set([...(requested[form] ?? []), text])];
  const forms = Object.keys(requested);
  if (forms.length <= MAX_VARIANTS_IN_REQUEST) return { forms, requested };
  const facts = {
    param: 'variants',
    received: String(forms.length),
    allowed: `1-${MAX_VARIANTS_IN_REQUEST}`,
  };
  throw new Problem(
    'invalid_parameter',
    `At most ${MAX_VARIANTS_IN_REQUEST} variants in one request.`,
    facts,
  );
}

function readOne(
  variantSpec: VariantSpec,
  { presets, check }: WarmRequestOptions,
  path: string,
): { forms: string[]; text: string } {
  try {
    const read =
      typeof variantSpec === 'string'
        ? { forms: variantsOf(variantSpec, presets), text: variantSpec }
        : ofOperations(readOperations(variantSpec, presets, path));
    for (const form of read.forms) check(form);
    return read;
  } catch (error) {
    if (!isProblem(error) || typeof variantSpec !== 'string') throw error;
    const facts = { ...error.facts, param: error.facts.param ? `${path}.${error.facts.param}` : path };
    throw new Problem(error.code, `${path} ("${variantSpec}"): ${error.detail}`, facts);
  }
}

const ofOperations = (read: Canonical) => ({ forms: formsOf(read), text: read.canonical });
