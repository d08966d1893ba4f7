import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type {
  Collection,
  ImageAsRead,
  ImageChange,
  ImageQuery,
  Records,
  StalledQuery,
  VariantChange,
  VariantStatus,
} from '../contracts.ts';
import { attempt } from '../errors.ts';
import * as collections from './collections.ts';
import * as images from './images.ts';
import * as leases from './leases.ts';
import * as lists from './lists.ts';
import { Table } from './table.ts';
import * as variants from './variants.ts';

/**
 * Records in one DynamoDB table (its keys: dynamodb/schema.ts). All writes are conditional.
 *
 * | item       | pk                | sk               | gsi1pk                   | gsi1sk             | used by           |
 * |------------|-------------------|------------------|--------------------------|--------------------|-------------------|
 * | image      | `image#<id>`      | `image`          | `images#<status>`        | `<createdAt>#<id>` | images, stalled   |
 * | place      | `image#<id>`      | `place`          | `collection#<id>` or none | `<createdAt>#<id>` | relate, images   |
 * | variant    | `image#<id>`      | `variant#<form>` |                          |                    | variants          |
 * | collection | `collection#<id>` | `collection`     | `collections`            | `<createdAt>#<id>` | collections       |
 * | lease      | `lease#<name>`    | `lease`          |                          |                    | lease (`expires`) |
 *
 * - A list without status merges six partitions, which also spreads their writes. One partition takes 1,000
 *   writes a second, which is the limit on uploads.
 * - The place of an image is an item of its own, made with it: it needs an index key beside the image's, it
 *   fits 50 relations into one transaction, and relating does not disturb compare-and-set on the image.
 * - A removed image's variants go after it, see `removeImage`; until then nobody can list them.
 */
export class DynamoRecords implements Records {
  readonly #table: Table;

  constructor(client: DynamoDBClient, tableName: string) {
    this.#table = new Table(client, tableName);
  }

  createImage(image: images.NewImage) {
    return this.#do((table) => images.createImage(table, image));
  }

  image(id: string) {
    return this.#do(async (table) => (await images.stored(table, id))?.record);
  }

  updateImage(id: string, revision: number, change: ImageChange) {
    return this.#do((table) => images.updateImage(table, id, revision, change));
  }

  removeImage(id: string, as?: ImageAsRead) {
    return this.#do((table) => images.removeImage(table, id, as));
  }

  images(query: ImageQuery) {
    return this.#do((table) => lists.images(table, query));
  }

  stalled(query: StalledQuery) {
    return this.#do((table) => lists.stalled(table, query));
  }

  variants(id: string) {
    return this.#do((table) => variants.variants(table, id));
  }

  queueVariants(id: string, version: string, names: readonly string[]) {
    return this.#do((table) => variants.queueVariants(table, id, version, names));
  }

  updateVariant(
    id: string,
    variant: string,
    version: string,
    from: readonly VariantStatus[],
    change: VariantChange,
  ) {
    return this.#do((table) => variants.updateVariant(table, { id, variant, version }, from, change));
  }

  createCollection(collection: Omit<Collection, 'count'>) {
    return this.#do((table) => collections.createCollection(table, collection));
  }

  collection(id: string) {
    return this.#do((table) => collections.collection(table, id));
  }

  collections(page: { limit: number; cursor?: string }) {
    return this.#do((table) => collections.collections(table, page));
  }

  updateCollection(id: string, change: { name?: string; description?: string | undefined }) {
    return this.#do((table) => collections.updateCollection(table, id, change));
  }

  removeCollection(id: string) {
    return this.#do((table) => collections.removeCollection(table, id));
  }

  relate(collection: string, ids: readonly string[]) {
    return this.#do((table) => collections.relate(table, collection, ids));
  }

  unrelate(collection: string, ids: readonly string[]) {
    return this.#do((table) => collections.unrelate(table, collection, ids));
  }

  lease(name: string, owner: string, seconds: number) {
    return this.#do((table) => leases.lease(table, name, owner, seconds));
  }

  release(name: string, owner: string) {
    return this.#do((table) => leases.release(table, name, owner));
  }

  async ping() {
    await this.#do((table) => table.get({ pk: 'ping', sk: 'ping' }));
  }

  #do<T>(work: (table: Table) => Promise<T>): Promise<T> {
    return attempt(undefined, () => work(this.#table));
  }
}
