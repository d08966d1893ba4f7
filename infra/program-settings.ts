import { loadConfig, SETTINGS } from '../server/config/settings.ts';
import { type Epochs, epochsAtEdge } from '../server/reading/epoch.ts';

const VARIABLES = new Map(Object.values(SETTINGS).map((row) => [row.variable, row]));

/** Why the programs would not start with these settings, or undefined; found here rather than by a roll-back. */
export function programComplaint(environment: Readonly<Record<string, string>>): string | undefined {
  const unknown = Object.keys(environment).filter((name) => !VARIABLES.has(name));
  if (unknown.length > 0) return `environment: the programs have no setting ${unknown.join(', ')}`;
  const secret = Object.keys(environment).filter((name) => VARIABLES.get(name)?.secret);
  if (secret.length > 0)
    return `environment: ${secret.join(', ')} is a secret and belongs in Secrets Manager`;
  try {
    loadConfig({ ...environment });
    return undefined;
  } catch (error) {
    return `environment: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What the programs drop from queries, and so does the edge. */
export const ignoredParameters = (environment: Readonly<Record<string, string>>): readonly string[] =>
  loadConfig({ ...environment }).ignoredParameters;

/** What the edge writes behind the canonical form, for these settings. */
export function edgeEpochs(environment: Readonly<Record<string, string>>): Epochs {
  return epochsAtEdge(loadConfig({ ...environment }));
}

/** The presets that the programs register, each as the query that the edge reads. */
export function presetQueries(environment: Readonly<Record<string, string>>): Record<string, string> {
  const { presets } = loadConfig({ ...environment });
  return Object.fromEntries(
    Object.entries(presets).map(([name, pairs]) => [
      name.slice(1),
      pairs.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&'),
    ]),
  );
}
