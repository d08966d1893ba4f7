import type { Progress } from '../contracts.ts';
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
}
