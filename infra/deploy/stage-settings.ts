import { readFileSync } from 'node:fs';
import { loadSettings } from '../load.ts';
import { inherited } from '../replicas.ts';
import type { Settings, Values } from '../settings.ts';

interface Rows {
  /** What the file says for all stages. */
  readonly account: Values;
  readonly own: Values;
  readonly stages: Readonly<Record<string, Values>>;
}

/** @throws  Error where the file has no such stage */
export function rowsOf(file: string, stage: string): Rows {
  const { account = {}, ...stages }: Record<string, Values> = JSON.parse(readFileSync(file, 'utf8'));
  const own = stages[stage];
  if (!own) throw new Error(`${file} has no stage ${stage}: it has ${Object.keys(stages).join(', ')}`);
  return { account, own, stages };
}

/** The stage's settings out of the file in the tree alone. */
export function settingsOf(file: string, stage: string): Settings {
  const { account, own, stages } = rowsOf(file, stage);
  const settings = loadSettings({ ...account, ...inherited(stages, own), ...own }, {});
  if (!settings.state_bucket)
    throw new Error(`${file}: give the row account a state_bucket, a name that no bucket of anybody has`);
  return settings;
}
