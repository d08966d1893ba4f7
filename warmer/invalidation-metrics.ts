import { Counter, Gauge, type Registry } from 'prom-client';
import type { Invalidations } from '../server/writing/invalidations.ts';

/** What the CDN was asked to forget: orders and paths cost money, and what is refused stays public until it is taken. */
export function countInvalidations(invalidations: Pick<Invalidations, 'counts'>, registry: Registry): void {
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name: `rendition_invalidation${name}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  const { counts } = invalidations;
  counter('s_taken', 'Invalidations that the CDN took.', () => counts.taken);
  counter('s_refused', 'Invalidations that the CDN refused; they are tried again.', () => counts.refused);
  counter('_paths', 'Paths of the invalidations that were taken, which are paid for.', () => counts.paths);
  new Gauge({
    name: 'rendition_invalidations_waiting',
    help: 'Images whose invalidation is on its way to the CDN.',
    registers: [registry],
    collect() {
      this.set(counts.waiting);
    },
  });
}
