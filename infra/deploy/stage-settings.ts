import { readFileSync } from 'node:fs';
import { loadSettings } from '../load.ts';
import { inherited } from '../replicas.ts';
import type { Settings, Values } from '../settings.ts';

/** The stage's settings out of the file in the tree alone. */
export function settingsOf(file: string, stage: string): Settings {
  const { account = {}, ...stages }: Record<string, Values> = JSON.parse(readFileSync(file, 'utf8'));
  const own = stages[stage];
  if (!own) throw new Error(`${file} has no stage ${stage}: it has ${Object.keys(stages).join(', ')}`);
  const settings = loadSettings({ ...account, ...inherited(stages, own), ...own }, {});
  if (!settings.state_bucket)
    throw new Error(`${file}: give the row account a state_bucket, a name that no bucket of anybody has`);
  return settings;
}
