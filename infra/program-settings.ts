import { type Config, loadConfig, SETTINGS } from '../server/config/settings.ts';
import { type Epochs, epochsAtEdge } from '../server/reading/epoch.ts';
import type { BucketSource } from '../server/shared/sources.ts';

const VARIABLES = new Map(Object.values(SETTINGS).map((row) => [row.variable, row]));

/** Tokens come from Secrets Manager; without any the API would be open, which some settings cannot stand beside. */
const SOME_TOKEN = `stand-in=read:${'0'.repeat(64)}`;

type Environment = Readonly<Record<string, string>>;

const configOf = (environment: Environment): Config => loadConfig({ API_TOKENS: SOME_TOKEN, ...environment });

/** Why the programs would not start with these settings, or undefined; found here rather than by a roll-back. */
export function programComplaint(environment: Environment): string | undefined {
  const unknown = Object.keys(environment).filter((name) => !VARIABLES.has(name));
  if (unknown.length > 0) return `environment: the programs have no setting ${unknown.join(', ')}`;
  const secret = Object.keys(environment).filter((name) => VARIABLES.get(name)?.secret);
  if (secret.length > 0)
    return `environment: ${secret.join(', ')} is a secret and belongs in Secrets Manager`;
  try {
    configOf(environment);
    return undefined;
  } catch (error) {
    return `environment: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What the programs drop from queries, and so does the edge. */
export const ignoredParameters = (environment: Environment): readonly string[] =>
  configOf(environment).ignoredParameters;

/** Whether the programs mean `q=auto` where nothing is said, and so does the edge. */
export const hasAutoQuality = (environment: Environment): boolean => configOf(environment).quality === 'auto';

/** What the edge writes behind the canonical form, for these settings. */
export function edgeEpochs(environment: Environment): Epochs {
  return epochsAtEdge(configOf(environment));
}

/** The presets that the programs register, each as the query that the edge reads. */
export function presetQueries(environment: Environment): Record<string, string> {
  const { presets } = configOf(environment);
  return Object.fromEntries(
    Object.entries(presets).map(([name, pairs]) => [
      name.slice(1),
      pairs.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&'),
    ]),
  );
}

/** Buckets of others that the programs read. */
export const bucketSources = (environment: Environment): readonly BucketSource[] =>
  configOf(environment).sources.filter((source) => source.kind === 's3');
