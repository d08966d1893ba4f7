import { LEARNED } from '../config/parsers.ts';
import type { Config } from '../config/settings.ts';
import { presetForms, refusedWidth } from '../core/operations/allowed.ts';
import { readQuery } from '../core/operations/transformation.ts';
import { variantsOfAll } from '../core/operations/variants.ts';
import { isProblem } from '../shared/errors.ts';
import type { Stores } from '../stores/stores.ts';
import { WarmSets } from '../warming/warm-set.ts';
import type { Core } from './core.ts';

/** Which forms new images get in this deployment. */
export function composeWarmSets(config: Config, { records }: Pick<Stores, 'records'>, core: Core): WarmSets {
  const { warmDefaults, presets, warmLearnedPercent, warmLearnedForms, warmLearnedDays } = config;
  return new WarmSets({
    progress: records.progress,
    fixed: variantsOfAll(
      warmDefaults.filter((query) => query !== LEARNED),
      presets,
    ),
    isLearned: warmDefaults.includes(LEARNED),
    leastShare: warmLearnedPercent / 100,
    mostForms: warmLearnedForms,
    halfLifeDays: warmLearnedDays,
    isBehindEdge: config.cdnDistribution !== undefined,
    isServed: servedBy(config, core),
    now: Date.now,
  });
}

function servedBy({ presets, presetsOnly, allowedWidths }: Config, { renderer }: Core) {
  const forms = presetsOnly ? presetForms(presets) : undefined;
  return (form: string): boolean => {
    if (forms && !forms.has(form)) return false;
    try {
      // Another release may have written it otherwise, or have known other parameters.
      const isCurrent = readQuery(form, presets).canonical === form;
      renderer.check(form);
      return isCurrent && refusedWidth(form, allowedWidths) === undefined;
    } catch (error) {
      if (isProblem(error)) return false;
      throw error;
    }
  };
}
