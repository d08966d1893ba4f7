import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Records } from '../stores.ts';
import { DynamoAnswers } from './answers.ts';
import { DynamoCollections } from './collections.ts';
import { DynamoImages } from './images.ts';
import { DynamoLocks } from './locks.ts';
import { DynamoProgress } from './progress.ts';
import { Table } from './table.ts';
import { DynamoVariants } from './variants.ts';

/**
 * Records in one DynamoDB table (its keys: dynamodb/schema.ts). All writes are conditional, but those of
 * progress and of the parts of an answer, which nobody else writes.
 *
 * | item       | pk                | sk               | gsi1pk                   | gsi1sk             | used by           |
 * |------------|-------------------|------------------|--------------------------|--------------------|-------------------|
 * | image      | `image#<id>`      | `image`          | `images#<status>`, `owing#<status>`, `tombstones` | `<createdAt>#<id>` | images, stalled |
 * | place      | `image#<id>`      | `place`          | `collection#<id>` or none | `<createdAt>#<id>` | relate, images   |
 * | variant    | `image#<id>`      | `variant#<form>` |                          |                    | variants          |
 * | collection | `collection#<id>` | `collection`     | `collections`            | `<createdAt>#<id>` | collections       |
 * | lease      | `lease#<name>`    | `lease`          |                          |                    | lease (`expires`) |
 * | progress   | `progress#<name>` | `progress`       |                          |                    | progress          |
 * | answer     | `answer#<key>`    | `answer`, `part#…` |                        |                    | answers (`expires`) |
 *
 * - An image that owes something stands in a partition of its own, where the sweep finds it without an index more.
 * - A list without status merges twelve partitions, which also spreads their writes. One partition takes 1,000
 *   writes a second, which is the limit on uploads.
 * - The place of an image is an item of its own, made with it: it needs an index key beside the image's, it
 *   fits 50 relations into one transaction, and relating does not disturb compare-and-set on the image.
 * - A removed image's variants go after it, see `DynamoImages.remove`; until then nobody can list them.
 */
export class DynamoRecords implements Records {
  readonly takesJobs = false;
  readonly images: DynamoImages;
  readonly variants: DynamoVariants;
  readonly collections: DynamoCollections;
  readonly locks: DynamoLocks;
  readonly progress: DynamoProgress;
  readonly answers: DynamoAnswers;
  readonly #table: Table;

  constructor(client: DynamoDBClient, tableName: string) {
    this.#table = new Table(client, tableName);
    this.images = new DynamoImages(this.#table);
    this.variants = new DynamoVariants(this.#table);
    this.collections = new DynamoCollections(this.#table);
    this.locks = new DynamoLocks(this.#table);
    this.progress = new DynamoProgress(this.#table);
    this.answers = new DynamoAnswers(this.#table);
  }

  async ping(): Promise<void> {
    await this.#table.get({ pk: 'ping', sk: 'ping' });
  }
}
