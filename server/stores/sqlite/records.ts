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
import type { Database } from './database.ts';
import * as images from './images.ts';
import * as leases from './leases.ts';

/** Records in SQLite; what each call does is in images.ts, collections.ts and leases.ts. */
export class SqliteRecords implements Records {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  createImage(image: images.NewImage) {
    return this.#write((db) => images.createImage(db, image));
  }

  image(id: string) {
    return this.#read((db) => images.image(db, id));
  }

  updateImage(id: string, revision: number, change: ImageChange) {
    return this.#write((db) => images.updateImage(db, id, revision, change));
  }

  removeImage(id: string, as?: ImageAsRead) {
    return this.#write((db) => images.removeImage(db, id, as));
  }

  images(query: ImageQuery) {
    return this.#read((db) => images.images(db, query));
  }

  stalled(query: StalledQuery) {
    return this.#read((db) => images.stalled(db, query));
  }

  variants(id: string) {
    return this.#read((db) => images.variants(db, id));
  }

  queueVariants(id: string, version: string, variants: readonly string[]) {
    return this.#write((db) => images.queueVariants(db, id, version, variants));
  }

  updateVariant(
    id: string,
    variant: string,
    version: string,
    from: readonly VariantStatus[],
    change: VariantChange,
  ) {
    return this.#write((db) => images.updateVariant(db, { id, variant, version }, from, change));
  }

  createCollection(collection: Omit<Collection, 'count'>) {
    return this.#write((db) => collections.createCollection(db, collection));
  }

  collection(id: string) {
    return this.#read((db) => collections.collection(db, id));
  }

  collections(page: { limit: number; cursor?: string }) {
    return this.#read((db) => collections.collections(db, page));
  }

  updateCollection(id: string, change: { name?: string; description?: string | undefined }) {
    return this.#write((db) => collections.updateCollection(db, id, change));
  }

  removeCollection(id: string) {
    return this.#write((db) => collections.removeCollection(db, id));
  }

  relate(collection: string, ids: readonly string[]) {
    return this.#write((db) => collections.relate(db, collection, ids));
  }

  unrelate(collection: string, ids: readonly string[]) {
    return this.#write((db) => collections.unrelate(db, collection, ids));
  }

  lease(name: string, owner: string, seconds: number) {
    return this.#write((db) => leases.lease(db, name, owner, seconds));
  }

  release(name: string, owner: string) {
    return this.#write((db) => leases.release(db, name, owner));
  }

  async ping() {
    await this.#read((db) => db.get('SELECT 1 FROM images LIMIT 1'));
  }

  #read<T>(work: (db: Database) => T): Promise<T> {
    return attempt(undefined, async () => work(this.#db));
  }

  #write<T>(work: (db: Database) => T): Promise<T> {
    return attempt(undefined, async () => this.#db.transaction(() => work(this.#db)));
  }
}
