import type { Config } from '../config/settings.ts';
import { Remote } from '../shared/remote.ts';
import { isAllowedUrl } from '../shared/remote-hosts.ts';

/** Servers that originals are fetched from; undefined where there are none. */
export function composeRemote({ importHosts, importPrivate, importSeconds }: Config): Remote | undefined {
  if (importHosts.length === 0) return undefined;
  return new Remote({
    allows: (url) => isAllowedUrl(url, importHosts),
    allowPrivate: importPrivate,
    maxSeconds: importSeconds,
  });
}
