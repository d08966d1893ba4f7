import type { Progress } from '../locks.ts';
import { AGAIN, untilWritten } from '../until-written.ts';
import type { Table } from './table.ts';
import type { Key } from './writes.ts';

const progressKey = (name: string): Key => ({ pk: `progress#${name}`, sk: 'progress' });

export class DynamoProgress implements Progress {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async get(name: string): Promise<string | undefined> {
    const item = await this.#table.get(progressKey(name));
    return item && String(item['value']);
  }

  async put(name: string, value: string): Promise<void> {
    await this.#table.write({ put: { ...progressKey(name), value } });
  }

  update(name: string, change: (before: string | undefined) => string): Promise<string> {
    return untilWritten(`The progress of ${name}`, async () => {
      const before = await this.get(name);
      const value = change(before);
      const isAsRead =
        before === undefined
          ? { if: 'attribute_not_exists(#pk)' }
          : { if: '#value = :before', with: { ':before': before } };
      const isWritten = await this.#table.write({ put: { ...progressKey(name), value }, ...isAsRead });
      return isWritten ? value : AGAIN;
    });
  }
}
