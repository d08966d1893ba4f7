import type { Blocks } from '../stores/blocks.ts';
import type { WarmSets } from '../warming/warm-set.ts';
import type { FetchedOriginals } from './fetched-originals.ts';
import type { Fetches } from './fetches.ts';
import type { Imports } from './imports.ts';
import type { Intents } from './intents.ts';
import type { Invalidations } from './invalidations.ts';
import type { Library } from './library.ts';
import type { Notifier } from './notify.ts';
import type { PresignedUploads } from './presigned-uploads.ts';
import type { Pulls } from './pulls.ts';
import type { Purge } from './purge.ts';
import type { Reconciler } from './reconciler.ts';
import type { Rewarm } from './rewarm.ts';
import type { Uploads } from './uploads.ts';
import type { Urls } from './urls.ts';

/** The writing side of a process: use cases of the management API and of the warmer. */
export interface Management {
  readonly uploads: Uploads;
  readonly presignedUploads: PresignedUploads;
  readonly imports: Imports;
  readonly fetches: Fetches;
  readonly fetched: FetchedOriginals;
  readonly pulls: Pulls;
  readonly blocks: Blocks;
  readonly library: Library;
  readonly reconciler: Reconciler;
  readonly intents: Intents;
  readonly invalidations: Invalidations;
  readonly purge: Purge;
  readonly rewarm: Rewarm;
  readonly notifier: Notifier;
  readonly warmSets: WarmSets;
  readonly urls: Urls;
}
