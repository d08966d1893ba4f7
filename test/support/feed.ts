import { FeedStates } from '../../server/feeds/state.ts';
import type { Records } from '../../server/stores/stores.ts';

const FEED = {
  name: 'f',
  kind: 'folder',
  from: '/nowhere',
  path: undefined,
  next: undefined,
  role: undefined,
  prefix: '',
  everyMinutes: 60,
  collection: undefined,
  vanished: 'keep',
  recheck: 'always',
} as const;

/** Notes a feed `f`, as a watcher does. */
export function putFeed({ progress }: Pick<Records, 'progress'>): Promise<void> {
  return new FeedStates(progress).putIndex({ readAt: new Date().toISOString(), feeds: [FEED] });
}
