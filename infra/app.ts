import { App } from 'cdktf';
import { edgeBundle } from './edge/build.ts';
import { loadSettings } from './load.ts';
import { edgeEpochs, ignoredParameters } from './program-settings.ts';
import { SETTINGS, type Values } from './settings.ts';
import { account } from './stacks/account.ts';
import { stage } from './stacks/stage.ts';

export interface Input {
  /** Rows of `stages.json`. */
  stages: Readonly<Record<string, Values>>;
  environment: Readonly<Record<string, string | undefined>>;
  outdir: string;
}

/** Rows of `stages.json` that can be deployed: a task definition needs an image. */
function deployable({ stages, environment }: Input) {
  const rows = Object.entries(stages).map(([name, values]) => ({
    name,
    settings: loadSettings(values, environment),
  }));
  for (const { name } of rows) {
    if (!/^[a-z][a-z0-9]{1,9}$/.test(name)) throw new Error(`Stage ${name}: expected 2 to 10 of a-z and 0-9`);
  }
  return rows.filter(({ settings }) => settings.image !== '');
}

/**
 * The account's stack and one for each stage.
 *
 * @returns  names of the stages that were left out for want of an image
 */
export async function synthesise(input: Input): Promise<string[]> {
  const app = new App({ outdir: input.outdir });
  const shared = ['region', 'state_bucket', 'repository'] as const satisfies (keyof typeof SETTINGS)[];
  const common = Object.fromEntries(shared.map((name) => [name, commonValue(input, name)]));
  account(app, loadSettings(common, {}));
  const ready = deployable(input);
  for (const { name, settings } of ready) {
    const ignored = ignoredParameters(settings.environment);
    stage(
      app,
      name,
      settings,
      await edgeBundle({ signed: settings.signed, ignored, epochs: edgeEpochs(settings.environment) }),
    );
  }
  app.synth();
  return Object.keys(input.stages).filter((name) => !ready.some((one) => one.name === name));
}

function commonValue({ environment, stages }: Input, name: 'region' | 'state_bucket' | 'repository'): string {
  const [first] = Object.values(stages).map((values) => loadSettings(values, environment)[name]);
  return first ?? SETTINGS[name].fallback;
}
