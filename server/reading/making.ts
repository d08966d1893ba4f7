import type { Source } from '../core/original/source.ts';
import { isUpgradable, isWorthwhile } from '../core/plan/economy.ts';
import type { Plan } from '../core/plan/plan.ts';
import type { Haste } from './haste.ts';
import type { Variant } from './inputs.ts';
import type { Original } from './originals.ts';
import type { Admitted, Renderer, RenderInput } from './renderer.ts';

/** A picture, and what it is to what was asked for. */
export interface Made extends Admitted {
  readonly isDegraded: boolean;
  readonly isUpgradable: boolean;
}

interface Means {
  readonly renderer: Renderer;
  readonly haste: Haste;
  /** Whether anybody makes results again for fewer bytes. */
  readonly upgrades: boolean;
}

/**
 * Renders a variant for whoever waits for it; nothing where another variant has the same bytes. Lets the original go.
 *
 * @throws Problem `overloaded`, `deadline`, and those of opening, planning and rendering
 */
export async function makePicture(
  { id, canonical }: Variant,
  original: Original,
  means: Means,
  signal: AbortSignal,
): Promise<Made | { readonly sameAs: string }> {
  const { renderer, upgrades } = means;
  try {
    signal.throwIfAborted();
    const input = { canonical, priority: 'live', focal: original.focal } as const;
    const source = await renderer.open(id, original, { canonical, signal });
    const { plan, sameAs } = await renderer.plan(source, input);
    if (sameAs !== undefined) return { sameAs };
    const form = await formNow(source, plan, input, means);
    const rendered = await renderer.render(id, original, { ...input, canonical: form }, signal);
    // What could not be had as asked could not be had in the cheaper form either.
    const warnings = [...new Set([...plan.warnings, ...rendered.warnings])];
    const isDegraded = form !== canonical;
    return {
      ...rendered,
      ...(isDegraded && { warnings }),
      isDegraded,
      isUpgradable: upgrades && isUpgradable(plan),
    };
  } finally {
    original.release();
  }
}

/** The canonical form that is made now, which may be a cheaper one. */
async function formNow(
  source: Source,
  asked: Plan,
  input: RenderInput,
  { renderer, haste }: Means,
): Promise<string> {
  const form = haste.formOf(input.canonical, source.format);
  if (form === input.canonical) return form;
  const { plan } = await renderer.plan(source, { ...input, canonical: form });
  return isWorthwhile(asked, plan) ? form : input.canonical;
}
