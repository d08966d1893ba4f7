import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { unavailable } from '../../shared/errors.ts';
import { attempt, errorName } from '../errors.ts';
import { AGAIN, pause, untilWritten } from '../until-written.ts';
import { attributes, type Item, type Key, keyOf, transactItem, type Write } from './writes.ts';

/** What BatchGetItem takes. */
const BATCH = 100;

export interface Query {
  index?: 'gsi1' | 'ids';
  /** On #pk and #sk, on #gsi1pk and #gsi1sk, or on #gsi2pk and #pk. */
  where: string;
  filter?: string;
  /** The attributes that are read, as `#name, #other`; absent: all. */
  only?: string | undefined;
  with: Item;
  descending?: boolean;
  /** Whether what was written a moment ago may be missing: read for half the units. */
  mayLag?: boolean;
  limit?: number | undefined;
}

/** The requests that records are made of: consistent reads and conditional writes. Their errors are translated. */
export class Table {
  readonly #client: DynamoDBDocumentClient;
  readonly #name: string;

  constructor(client: DynamoDBClient, name: string) {
    this.#client = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
    this.#name = name;
  }

  async get(key: Key): Promise<Item | undefined> {
    const command = new GetCommand({ TableName: this.#name, Key: key, ConsistentRead: true });
    return attempt(undefined, async () => {
      const { Item } = await this.#client.send(command);
      return Item && unmarkedItem(Item);
    });
  }

  /** Items in no order; keys that are not there are left out. */
  async getAll(keys: readonly Key[]): Promise<Item[]> {
    const items: Item[] = [];
    let rest = [...keys];
    for (let round = 0; rest.length > 0; round++) {
      const RequestItems = { [this.#name]: { Keys: rest.slice(0, BATCH), ConsistentRead: true } };
      const command = new BatchGetCommand({ RequestItems });
      const output = await attempt(undefined, () => this.#client.send(command));
      const missed = output.UnprocessedKeys?.[this.#name]?.Keys ?? [];
      items.push(...(output.Responses?.[this.#name] ?? []).map(unmarkedItem));
      rest = [...missed.map(({ pk, sk }) => ({ pk, sk })), ...rest.slice(BATCH)];
      if (missed.length > 0) await pause(round);
    }
    return items;
  }

  /** One page; `more` when the query has not seen all. Consistent on the table, eventually so on an index. */
  async page(query: Query): Promise<{ items: Item[]; more: Item | undefined }> {
    return this.#page(query, undefined);
  }

  /** All pages, or as many as it takes for `limit` items that pass the filter. */
  async queryAll(query: Query): Promise<Item[]> {
    const items: Item[] = [];
    let start: Item | undefined;
    do {
      const page = await this.#page({ ...query, limit: query.filter ? undefined : query.limit }, start);
      items.push(...page.items);
      start = page.more;
    } while (start && items.length < (query.limit ?? Number.POSITIVE_INFINITY));
    return items.slice(0, query.limit);
  }

  /** The item after an update, or an empty one; undefined when the condition does not hold. */
  async write(unmarked: Write): Promise<Item | undefined> {
    const mark = randomUUID();
    const write = withMark(unmarked, mark);
    const { Put, Update, Delete } = transactItem(this.#name, write);
    return withoutConflicts(nameOf(unmarked), async () => {
      try {
        if (Put) await this.#client.send(new PutCommand(Put));
        if (Delete) await this.#client.send(new DeleteCommand(Delete));
        if (!Update) return {};
        const output = await this.#client.send(new UpdateCommand({ ...Update, ReturnValues: 'ALL_NEW' }));
        return unmarkedItem(output.Attributes ?? {});
      } catch (error) {
        if (errorName(error) !== 'ConditionalCheckFailedException') throw error;
        // The answer to an earlier attempt got lost: what the client library then meets is what it wrote.
        return attemptsOf(error) > 1 ? this.#marked(write, mark) : undefined;
      }
    });
  }

  async #marked(write: Write, mark: string): Promise<Item | undefined> {
    // What is gone is gone, whoever removed it.
    if ('remove' in write) return (await this.get(write.remove)) ? undefined : {};
    const command = new GetCommand({ TableName: this.#name, Key: keyOf(write), ConsistentRead: true });
    const { Item } = await this.#client.send(command);
    return Item?.[MARK] === mark ? unmarkedItem(Item) : undefined;
  }

  /** All of 1-100 writes, or none and false when a condition does not hold. */
  async transact(writes: readonly Write[]): Promise<boolean> {
    const TransactItems = writes.map((write) => transactItem(this.#name, write));
    // Where several meet it is at what they share, a count, which comes first.
    const [first] = writes;
    return withoutConflicts(first ? nameOf(first) : '', async () => {
      try {
        await this.#client.send(new TransactWriteCommand({ TransactItems }));
        return true;
      } catch (error) {
        if (cancellations(error).includes('ConditionalCheckFailed')) return false;
        throw error;
      }
    });
  }

  async #page(query: Query, start: Item | undefined): Promise<{ items: Item[]; more: Item | undefined }> {
    const command = new QueryCommand({
      TableName: this.#name,
      IndexName: query.index,
      ConsistentRead: query.index === undefined && query.mayLag !== true,
      KeyConditionExpression: query.where,
      FilterExpression: query.filter,
      ProjectionExpression: query.only,
      ...attributes(`${query.where} ${query.filter ?? ''} ${query.only ?? ''}`, query.with),
      ScanIndexForward: !query.descending,
      Limit: query.limit,
      ExclusiveStartKey: start,
    });
    const { Items = [], LastEvaluatedKey } = await attempt(undefined, () => this.#client.send(command));
    return { items: Items.map(unmarkedItem), more: LastEvaluatedKey };
  }
}

/** The write that last touched an item, so that one that is repeated knows itself. Transactions have a token for that. */
const MARK = 'written';

function withMark(write: Write, mark: string): Write {
  if ('put' in write) return { ...write, put: { ...write.put, [MARK]: mark } };
  if ('update' in write) return { ...write, set: { ...write.set, [MARK]: mark } };
  return write;
}

function unmarkedItem({ [MARK]: _mark, ...item }: Item): Item {
  return item;
}

function attemptsOf(error: unknown): number {
  const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  const hasCount = typeof metadata === 'object' && metadata !== null && 'attempts' in metadata;
  return hasCount ? Number(metadata.attempts) : 1;
}

/** Reasons of a cancelled transaction that pass; the client repeats those of single requests by itself. */
const TRANSIENT = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'];

/** What writers of it take turns at, where they met. */
const nameOf = (write: Write): string => Object.values(keyOf(write)).join(' ');

/** Repeats `work` while it meets another transaction on the same item; other errors are translated. */
function withoutConflicts<T>(what: string, work: () => Promise<T>): Promise<T> {
  return untilWritten(what, async () => {
    try {
      return await work();
    } catch (error) {
      const isConflict =
        errorName(error) === 'TransactionConflictException' ||
        errorName(error) === 'TransactionInProgressException' ||
        cancellations(error).some((code) => TRANSIENT.includes(code));
      if (isConflict) return AGAIN;
      throw unavailable(error);
    }
  });
}

/** Why each write of a transaction was refused; empty for other errors. */
function cancellations(error: unknown): string[] {
  if (errorName(error) !== 'TransactionCanceledException') return [];
  const reasons = error instanceof Error && 'CancellationReasons' in error ? error.CancellationReasons : [];
  return Array.isArray(reasons) ? reasons.map(({ Code }) => String(Code)) : [];
}
