import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { refusalOf } from '../server/core/query/id.ts';

/**
 * Tells of objects in the bucket of originals whose key no URL can name. Nobody sees that such an image is missing,
 * unless somebody says so.
 *
 * @returns to be called with such a key
 */
export function tellOfUnservable(log: Logger, registry: Registry): (key: string) => void {
  const count = new Counter({
    name: 'rendition_unservable_keys_total',
    help: 'Events of objects whose key cannot be an id.',
    registers: [registry],
  });
  return (key) => {
    count.inc();
    log.warn(
      { key, reason: refusalOf(key) },
      'an object was put whose key cannot be an id; it is not served',
    );
  };
}
