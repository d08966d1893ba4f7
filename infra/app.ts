import { App } from 'cdktf';
import { edgeBundle } from './edge/build.ts';
import { loadSettings } from './load.ts';
import { edgeEpochs, hasAutoQuality, ignoredParameters } from './program-settings.ts';
import { inherited, replicaComplaints } from './replicas.ts';
import type { Settings, Values } from './settings.ts';
import { account, type Named } from './stacks/account.ts';
import { replica } from './stacks/replica.ts';
import { stage } from './stacks/stage.ts';

export interface Input {
  /** Rows of `stages.json`. */
  stages: Readonly<Record<string, Values>>;
  environment: Readonly<Record<string, string | undefined>>;
  outdir: string;
}

/** Name that a row of `stages.json` may have for what all stages share. */
const SHARED = 'account';

/** Every stage whole, with what the account's row says for all of them. */
function rows({ stages, environment }: Input): Named[] {
  const { [SHARED]: shared = {}, ...own } = stages;
  const found = Object.entries(own).map(([name, values]) => {
    if (!/^[a-z][a-z0-9]{1,9}$/.test(name)) throw new Error(`Stage ${name}: expected 2 to 10 of a-z and 0-9`);
    try {
      return {
        name,
        settings: loadSettings({ ...shared, ...inherited(own, values), ...values }, environment),
      };
    } catch (error) {
      throw new Error(`Stage ${name}: ${error instanceof Error ? error.message : error}`);
    }
  });
  const complaints = replicaComplaints(found);
  if (complaints.length > 0) throw new Error(complaints.join('\n'));
  return found;
}

/** The account's stack is of one region, one state and one repository: those of its row, or of the first stage. */
function shared({ stages, environment }: Input, [first]: readonly Named[]): Settings {
  const values = stages[SHARED];
  const own = values ? loadSettings({ shield: false, ...values }, environment) : undefined;
  return own ?? first?.settings ?? loadSettings({ shield: false }, environment);
}

/**
 * The account's stack and one for each stage that has an image.
 *
 * @returns  names of the stages that were left out for want of an image
 */
export async function synthesise(input: Input): Promise<string[]> {
  // The fork asks what it may use: values that are only written came with Terraform 1.11.
  const context = { targetVersions: { terraform: '>=1.11.0' } };
  const app = new App({ outdir: input.outdir, context });
  const all = rows(input);
  account(app, shared(input, all), all);
  for (const { name, settings } of all.filter(({ settings: { image } }) => image !== '')) {
    if (settings.replica_of) {
      replica(app, name, settings);
      continue;
    }
    const ignored = ignoredParameters(settings.environment);
    const epochs = edgeEpochs(settings.environment);
    const autoQuality = hasAutoQuality(settings.environment);
    const serversFirst = settings.origin_order === 'server-first';
    const code = await edgeBundle({ signed: settings.signed, ignored, epochs, serversFirst, autoQuality });
    stage(app, { name, settings, replica: all.find((one) => one.settings.replica_of === name) }, code);
  }
  app.synth();
  return all.filter(({ settings: { image } }) => image === '').map(({ name }) => name);
}
