import type { Stores } from '../../../server/stores/stores.ts';

/** Calls that change something, by store. */
const WRITES: readonly string[] = [
  ...['put', 'copy', 'remove', 'removeAll', 'create', 'update', 'bury', 'queue', 'relate', 'unrelate'],
  ...['lease', 'release', 'send', 'extend', 'redrive', 'updateAll', 'take', 'keep'],
];

export interface Mortal {
  readonly stores: Stores;
  /** Writes so far. */
  writes(): number;
}

/**
 * The stores as a process sees them that is killed after its k-th write: that one is done, but nobody hears of it, and
 * nothing comes after it.
 */
export function mortal(stores: Stores, k: number): Mortal {
  let writes = 0;
  const killed = () => Promise.reject(new Error('killed'));
  const within = <T extends object>(store: T): T =>
    new Proxy(store, {
      get: (target, name) => {
        const member = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...values: unknown[]) => {
          if (writes >= k) return killed();
          if (!WRITES.includes(String(name))) return Reflect.apply(member, target, values);
          writes += 1;
          const isLast = writes === k;
          const written = Reflect.apply(member, target, values);
          return isLast ? Promise.resolve(written).then(killed) : written;
        };
      },
    });
  const { images, variants, collections, locks, progress, answers } = stores.records;
  return {
    writes: () => writes,
    stores: {
      ...stores,
      originals: Object.assign(within(stores.originals), { link: undefined }),
      results: within(stores.results),
      records: {
        takesJobs: stores.records.takesJobs,
        images: within(images),
        variants: within(variants),
        collections: within(collections),
        locks: within(locks),
        progress: within(progress),
        answers: within(answers),
        ping: () => stores.records.ping(),
      },
      jobs: within(stores.jobs),
    },
  };
}
