import type { Warming } from '../warming/queue.ts';
import type { Library } from './library.ts';
import type { Notifier } from './notify.ts';
import type { Announcements } from './presigned-uploads.ts';
import type { Purge } from './purge.ts';
import type { Arrivals } from './reconciler.ts';
import type { Uploads } from './uploads.ts';
import type { Urls } from './urls.ts';

/** The writing side of a process: use cases of the management API and of the warmer. */
export interface Management {
  readonly uploads: Uploads;
  readonly announcements: Announcements;
  readonly library: Library;
  readonly arrivals: Arrivals;
  readonly warming: Warming;
  readonly purge: Purge;
  readonly notifier: Notifier;
  readonly urls: Urls;
}
