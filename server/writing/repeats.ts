import { createHash } from 'node:crypto';
import { Problem } from '../shared/errors.ts';
import { digestOf } from '../stores/checksum.ts';
import type { ImageRecord } from '../stores/images.ts';
import type { Objects } from '../stores/objects.ts';
import type { Records } from '../stores/stores.ts';
import { updateWithRetry } from '../stores/update-record.ts';
import { named } from '../warming/queue.ts';
import type { Details } from './details.ts';
import { type Ingest, type IngestLimits, openIngest } from './ingest.ts';
import type { Intents } from './intents.ts';
import { owing } from './owing.ts';
import type { Reconciler } from './reconciler.ts';
import { relateOne } from './relate.ts';
import { deletedMeanwhile, type FinishedUpload } from './replace.ts';

/** An upload of bytes that lie under its id already. */
export interface Repeated {
  readonly id: string;
  /** SHA-256 of the bytes in hex. */
  readonly digest: string;
  readonly isRepeated: true;
}

export interface RepeatsOptions {
  readonly originals: Objects;
  readonly records: Records;
  readonly intents: Intents;
  readonly reconciler: Pick<Reconciler, 'reconcile'>;
  readonly limits: IngestLimits;
}

/** After which whoever sent an upload once more may ask again. */
const RETRY_SECONDS = 5;

/** Uploads that are sent again, after an answer that got lost or a server that died: the same is the same answer. */
export class Repeats {
  readonly #options: RepeatsOptions;

  constructor(options: RepeatsOptions) {
    this.#options = options;
  }

  /**
   * The image that has an id; undefined when it is free. What died half-way is ended on the way.
   *
   * @throws Problem `conflict` while its bytes are on their way, and for one that was refused
   */
  async standing(id: string): Promise<ImageRecord | undefined> {
    const { originals, records, intents, reconciler } = this.#options;
    await intents.settle(id);
    const look = () => Promise.all([originals.head(id), records.images.get(id)]);
    let [object, record] = await look();
    if (!object && !record) return undefined;
    if (!record || record.status === 'uploading') {
      await reconciler.reconcile(id);
      [object, record] = await look();
      if (!object && !record) return undefined;
    }
    if (record?.status === 'uploading') throw beingUploaded(id);
    if (!record || record.version === undefined) throw taken(id);
    return record;
  }

  /** @throws Problem `conflict` when the image has other bytes; those of a body that cannot be read */
  async accept(standing: ImageRecord, source: AsyncIterable<Uint8Array>): Promise<Repeated> {
    const { originals, limits } = this.#options;
    const digest = await sameBytes(originals, standing, await openIngest(source, limits));
    return { id: standing.id, digest, isRepeated: true };
  }

  /** @throws Problem `conflict` when the image has other bytes */
  async compare(standing: ImageRecord, digest: string): Promise<Repeated> {
    await checkDigest(this.#options.originals, standing, digest);
    return { id: standing.id, digest, isRepeated: true };
  }

  /**
   * The image as it stands. One whose server died before the end of its upload becomes what was sent; of any other, the
   * details must be what they are.
   *
   * @param variants  canonical forms, those that every image gets included
   * @throws Problem `conflict` for other details, `collection_not_found`
   */
  async finish({ id }: Repeated, details: Details, variants: readonly string[]): Promise<FinishedUpload> {
    const { records, intents } = this.#options;
    const record = await records.images.get(id);
    if (record?.claim !== undefined) await this.#complete(record, details, variants);
    else if (record) await this.#check(record, details);
    const settled = await intents.settle(id);
    if (!settled) throw deletedMeanwhile(id);
    return { record: settled.record, variants: named(await records.variants.list(id), variants) };
  }

  async #complete({ id }: ImageRecord, details: Details, warm: readonly string[]): Promise<void> {
    const { records } = this.#options;
    const { title, description, webhook, collection, requested = {} } = details;
    if (collection !== undefined) await relateOne(records, collection, id);
    await updateWithRetry(records, id, ({ claim, owed }) =>
      claim === undefined
        ? undefined
        : {
            title,
            description,
            webhook,
            claim: undefined,
            owed: owing(owed, { warm: [...warm], requested }),
          },
    );
  }

  async #check(
    record: ImageRecord,
    { variants = [], requested: _requested, ...details }: Details,
  ): Promise<void> {
    const { id, title, description, webhook, collection } = record;
    const standing = { title, description, webhook, collection };
    const others = Object.keys(standing).filter(
      (name) => Reflect.get(standing, name) !== Reflect.get(details, name),
    );
    const known = await this.#options.records.variants.list(id);
    if (variants.some((form) => !known.some(({ variant }) => variant === form))) others.push('variants');
    if (others.length > 0) throw otherDetails(id, others);
  }
}

/**
 * Reads bytes that should be those of an image.
 *
 * @returns  their SHA-256 in hex
 * @throws Problem `conflict` when they are not, as soon as there are too many
 */
export async function sameBytes(
  originals: Objects,
  standing: ImageRecord,
  { body, digest }: Ingest,
): Promise<string> {
  const { id, original } = standing;
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (original && bytes > original.bytes) throw taken(id);
  }
  const uploaded = digest();
  await checkDigest(originals, standing, uploaded);
  return uploaded;
}

async function checkDigest(originals: Objects, { id, digest }: ImageRecord, uploaded: string): Promise<void> {
  const noted = digest ?? digestOf((await originals.head(id)) ?? { metadata: {} });
  const isSame = noted === undefined ? await holdsBytes(originals, id, uploaded) : noted === uploaded;
  if (!isSame) throw taken(id);
}

/** Whether the object under a key has these bytes, by their SHA-256 in hex. */
export async function holdsBytes(originals: Objects, key: string, digest: string): Promise<boolean> {
  const object = await originals.get(key);
  if (!object) return false;
  const hash = createHash('sha256');
  for await (const chunk of object.body) hash.update(chunk);
  return hash.digest('hex') === digest;
}

export function taken(id: string): Problem {
  const hint = 'To replace the bytes of an image: PUT /api/images/{id}/original.';
  return new Problem('conflict', `The id "${id}" is taken.`, { param: 'id', received: id, hint });
}

function beingUploaded(id: string): Problem {
  const facts = { param: 'id', received: id, retryAfterSeconds: RETRY_SECONDS };
  return new Problem('conflict', `"${id}" is being uploaded by another request.`, facts);
}

function otherDetails(id: string, names: readonly string[]): Problem {
  const detail = `"${id}" has these bytes already, but not this ${names.join(', nor this ')}.`;
  const hint = 'To change what is said of an image: PATCH /api/images/{id}; to warm more: POST …/variants.';
  return new Problem('conflict', detail, { param: names[0], hint });
}
