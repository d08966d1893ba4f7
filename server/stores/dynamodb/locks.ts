import type { Locks } from '../locks.ts';
import type { Table } from './table.ts';
import type { Key } from './writes.ts';

const leaseKey = (name: string): Key => ({ pk: `lease#${name}`, sk: 'lease' });

/** Clocks of the owners may differ by a second or two; leases are for tens of seconds. */
export class DynamoLocks implements Locks {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async lease(name: string, owner: string, seconds: number): Promise<boolean> {
    const now = Date.now();
    const until = now + Math.ceil(seconds * 1000);
    const written = await this.#table.write({
      put: { ...leaseKey(name), owner, until, expires: Math.ceil(until / 1000) },
      // DynamoDB removes what has expired within days only, so the time is checked as well.
      if: 'attribute_not_exists(#pk) OR #owner = :owner OR #until <= :now',
      with: { ':owner': owner, ':now': now },
    });
    return written !== undefined;
  }

  async release(name: string, owner: string): Promise<void> {
    await this.#table.write({ remove: leaseKey(name), if: '#owner = :owner', with: { ':owner': owner } });
  }
}
