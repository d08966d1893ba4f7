import { formsOf, variantsOf } from '../core/operations/variants.ts';
import type { Presets } from '../core/query/rule.ts';
import { isProblem, Problem } from '../shared/errors.ts';
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

/**
 * Canonical forms of what a request asks to warm, each once, in order. Refusals name the place: the width of
 * the second variant is `variants[1].w`.
 *
 * @throws Problem of variantsOf and readOperations; `not_allowed` for what this deployment does not make
 */
export function readWarmRequest(
  { variants = [], operations }: WarmRequest,
  options: WarmRequestOptions,
): string[] {
  const items = variants.flatMap((variant, index) => readOne(variant, options, `variants[${index}]`));
  const forms = [...new Set([...items, ...(operations ? readOne(operations, options, 'operations') : [])])];
  if (forms.length <= MAX_VARIANTS_IN_REQUEST) return forms;
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

function readOne(variantSpec: VariantSpec, { presets, check }: WarmRequestOptions, path: string): string[] {
  try {
    const forms =
      typeof variantSpec === 'string'
        ? variantsOf(variantSpec, presets)
        : formsOf(readOperations(variantSpec, presets, path));
    for (const form of forms) check(form);
    return forms;
  } catch (error) {
    if (!isProblem(error) || typeof variantSpec !== 'string') throw error;
    const facts = { ...error.facts, param: error.facts.param ? `${path}.${error.facts.param}` : path };
    throw new Problem(error.code, `${path} ("${variantSpec}"): ${error.detail}`, facts);
  }
}
