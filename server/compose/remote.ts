import type { Config } from '../config/settings.ts';
import { Remote } from '../shared/remote.ts';
import { isAllowedUrl } from '../shared/remote-hosts.ts';

/** Servers that originals are fetched from; undefined where there are none. */
export function composeRemote(config: Config): Remote | undefined {
  return config.importHosts.length === 0 ? undefined : remoteFor(config);
}

/** @param origin  that may be fetched from beside IMPORT_HOSTS */
export function remoteFor({ importHosts, importPrivate, importSeconds }: Config, origin?: string): Remote {
  return new Remote({
    allows: (url) => url.origin === origin || isAllowedUrl(url, importHosts),
    allowPrivate: importPrivate,
    maxSeconds: importSeconds,
  });
}
