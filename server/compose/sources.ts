import type { Config } from '../config/settings.ts';
import { HostPace } from '../shared/host-pace.ts';
import { Remote } from '../shared/remote.ts';
import { isAllowedUrl } from '../shared/remote-hosts.ts';
import type { HttpSource } from '../shared/sources.ts';
import { Pulls, type PullsOptions } from '../writing/pulls.ts';
import { Sources } from '../writing/sources.ts';
import { monotonic } from './core.ts';

/** New pictures of one source, and of all, that are fetched at once for those who wait. */
const [SOURCE_PULLS, ALL_PULLS] = [16, 64];

export function composeSources({ sources, sourceHeaders: headers, importHosts, ...config }: Config): Sources {
  const remoteOf = ({ base }: HttpSource) =>
    new Remote({
      allows: (url) => url.origin === new URL(base).origin || isAllowedUrl(url, importHosts),
      allowPrivate: config.importPrivate,
      maxSeconds: config.importSeconds,
    });
  return new Sources({ sources, headers, remoteOf });
}

export function composePulls(
  { sourceMaxAge: maxAgeSeconds, ...config }: Config,
  parts: Omit<PullsOptions, 'pace' | 'hourly' | 'maxAgeSeconds'>,
): Pulls {
  const perMinute = config.sourceRatePerMinute;
  return new Pulls({
    ...parts,
    pace: new HostPace({ perMinute, atOnce: SOURCE_PULLS, inAll: ALL_PULLS, now: monotonic }),
    hourly: { ids: config.sourceIdsPerHour, bytes: config.sourceBytesPerHour },
    maxAgeSeconds,
  });
}
