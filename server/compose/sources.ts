import type { Logger } from 'pino';
import type { Config } from '../config/settings.ts';
import { HostPace } from '../shared/host-pace.ts';
import type { HttpSource } from '../shared/sources.ts';
import { FetchedOriginals } from '../writing/fetched-originals.ts';
import { Fetches, type FetchesOptions } from '../writing/fetches.ts';
import { Imports, type ImportsOptions } from '../writing/imports.ts';
import type { Management } from '../writing/management.ts';
import { Pulls, type PullsOptions } from '../writing/pulls.ts';
import { Replacement, type ReplacementOptions } from '../writing/replace.ts';
import { Sources } from '../writing/sources.ts';
import { monotonic } from './core.ts';
import { composeRemote, remoteFor } from './remote.ts';

/** New pictures of one source, and of all, that are fetched at once for those who wait. */
const [SOURCE_PULLS, ALL_PULLS] = [16, 64];

export function composeSources(config: Config): Sources {
  const remoteOf = ({ base }: HttpSource) => remoteFor(config, new URL(base).origin);
  return new Sources({ sources: config.sources, headers: config.sourceHeaders, remoteOf });
}

/** Requests to one host, and to all, that are under way at once: fetches wait beside the slots of a warmer. */
const [HOST_FETCHES, ALL_FETCHES] = [8, 32];

type Parts = ReplacementOptions &
  Pick<PullsOptions, 'sources' | 'blocks' | 'intents'> &
  ImportsOptions &
  FetchesOptions;

/** What brings originals here from elsewhere: asked for by calls and feeds, fetched by a warmer, or at once for a viewer. */
export function composeFetching(
  config: Config,
  parts: Omit<Parts, 'remote' | 'pace' | 'maxSeconds' | 'fetched'>,
  log: Logger,
): Pick<Management, 'imports' | 'fetches' | 'fetched' | 'pulls'> {
  const { importSeconds: maxSeconds, importRatePerMinute: perMinute } = config;
  const remote = composeRemote(config);
  const imports = new Imports({ ...parts, remote });
  const fetched = new FetchedOriginals({ ...parts, replacement: new Replacement(parts) });
  const pace = new HostPace({ perMinute, atOnce: HOST_FETCHES, inAll: ALL_FETCHES, now: monotonic });
  const fetches = new Fetches({ ...parts, remote, pace, maxSeconds, fetched });
  const onFailure = (err: unknown, id: string) =>
    log.warn({ err, id }, 'a source was not asked anew; the next look tries again');
  return {
    imports,
    fetches,
    fetched,
    pulls: composePulls(config, { ...parts, imports, fetches, onFailure }),
  };
}

function composePulls(
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
