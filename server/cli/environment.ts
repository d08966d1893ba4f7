import { type Config, loadConfig } from '../config/settings.ts';

/** What commands read beside the settings: where a deployment is, and its token. */
export const remembered = (): { url: string | undefined; token: string | undefined } => ({
  url: process.env['RENDITION_URL'] || undefined,
  token: process.env['RENDITION_TOKEN'] || undefined,
});

/** The environment for a program that is started, with settings of the command line in their place. */
export function environmentWith(settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...settings };
}

/** The settings of the environment, and those that the command line has in their place. */
export function settingsOver(settings: Readonly<Record<string, string>>): Config {
  return loadConfig(environmentWith(settings));
}
