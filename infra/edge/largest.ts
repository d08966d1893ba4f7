import { IGNORED_CHARACTERS, REVISION_CHARACTERS } from '../../server/config/parsers.ts';
import { loadConfig } from '../../server/config/settings.ts';
import { epochsAtEdge } from '../../server/reading/epoch.ts';
import type { EdgeOptions } from './build.ts';

/** Settings of a stage, each where the function is largest: what is left beside them is left in every stage. */
export const LARGEST = {
  signed: true,
  autoQuality: true,
  serversFirst: false,
  ignored: ['x'.repeat(IGNORED_CHARACTERS)],
  epochs: epochsAtEdge(loadConfig({ REVISION: 'x'.repeat(REVISION_CHARACTERS) })),
} as const satisfies EdgeOptions;

/** What a stage has that sets nothing. */
export const PLAIN = {
  signed: false,
  autoQuality: false,
  serversFirst: true,
  ignored: [],
  epochs: epochsAtEdge(loadConfig({})),
} as const satisfies EdgeOptions;
