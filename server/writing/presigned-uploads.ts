import { SOURCE_FORMATS } from '../core/original/sniff.ts';
import { readId } from '../core/query/id.ts';
import { notFound } from '../reading/absent.ts';
import { checkHeic } from '../reading/masters.ts';
import { Problem } from '../shared/errors.ts';
import { newUlid } from '../shared/ulid.ts';
import { digestMetadata } from '../stores/checksum.ts';
import type { ImageRecord } from '../stores/images.ts';
import type { Jobs } from '../stores/jobs.ts';
import type { Form, Objects } from '../stores/objects.ts';
import type { Records } from '../stores/stores.ts';
import { updateWithRetry } from '../stores/update-record.ts';
import type { Requested } from '../stores/variants.ts';
import { sendObject } from '../warming/jobs.ts';
import { formKey } from './form-keys.ts';
import { type IngestLimits, openIngest, uploadTooLarge } from './ingest.ts';
import { owing } from './owing.ts';
import type { LocalForms, Policy } from './presign.ts';
import { UPLOAD_SECONDS } from './reconciler.ts';
import { removeOwn } from './remove-own.ts';
import { holdsBytes, sameBytes, taken } from './repeats.ts';
import { deletedMeanwhile } from './replace.ts';
import type { Sources } from './sources.ts';
import { newSecret, statusKey } from './status-keys.ts';

/** Version of variants that wait for an original which has not arrived. */
export const AWAITED = 'awaited';

export interface PresignedUploadsOptions {
  readonly sources: Pick<Sources, 'refuseUpload'>;
  readonly originals: Objects;
  readonly results: Objects;
  readonly records: Records;
  readonly jobs: Jobs;
  /** For originals that make no forms themselves. */
  readonly localForms: LocalForms | undefined;
  readonly limits: IngestLimits;
  readonly now: () => Date;
}

/** An upload that a browser is going to make without our token. */
export interface PresignedUpload {
  readonly filename: string;
  readonly contentType: string;
  readonly size: number;
  readonly id?: string | undefined;
  /** Canonical forms. */
  readonly variants: readonly string[];
  /** By which texts they were asked for. */
  readonly requested: Requested;
}

/** Uploads that go past the management API: announced here, completed when the object arrives. */
export class PresignedUploads {
  readonly #options: PresignedUploadsOptions;

  constructor(options: PresignedUploadsOptions) {
    this.#options = options;
  }

  /**
   * Writes the record `uploading` and answers with the form that will be accepted for it.
   *
   * @throws Problem `unsupported_source`, `upload_too_large`, `invalid_parameter` for the id, `conflict`
   */
  async announce(
    announcement: PresignedUpload,
    base: string,
  ): Promise<Form & { id: string; expires: string; statusKey: string }> {
    const { originals, records, now } = this.#options;
    this.#check(announcement);
    const id = announcement.id === undefined ? newUlid(now().getTime()) : readId(announcement.id);
    this.#options.sources.refuseUpload(id);
    if (announcement.id !== undefined && (await originals.head(id))) throw taken(id);
    const { filename: title, contentType, size, variants, requested } = announcement;
    const expires = now().getTime() + UPLOAD_SECONDS * 1000;
    const openUntil = new Date(expires).toISOString();
    const owed = owing(undefined, { warm: [...variants], requested });
    const announced = { contentType, bytes: size, secret: newSecret() };
    const createdAt = now().toISOString();
    const image = { id, status: 'uploading', title, createdAt, openUntil, owed, announced } as const;
    const isNew = await records.images.create(image);
    const standing = isNew ? announced : await this.#reannounced(image);
    // A checkout of before the keys has announced it: nobody has one, and a new one would not be kept.
    const { secret = newSecret() } = standing;
    if (variants.length) await records.variants.queue(id, AWAITED, variants, requested);
    const key = formKey({ id, announced: standing });
    const policy = { id, contentType, size, expires, ...(key !== undefined && { form: key }) };
    const form = await this.#form(policy, base);
    return { id, ...form, expires: openUntil, statusKey: statusKey(secret, id, expires / 1000) };
  }

  /**
   * Takes in what a form of the embedded default posts. S3 does the same on its side and then sends an event;
   * here we send it.
   *
   * @throws Problem `image_not_found`, `conflict` when it is there with other bytes or was deleted meanwhile, `upload_too_large`,
   *         `invalid_request` when bytes are missing, `unsupported_source` when it is of another type
   */
  async receive({ id, contentType, size, form }: Policy, source: AsyncIterable<Uint8Array>): Promise<void> {
    const { originals, results, records, jobs, limits } = this.#options;
    const record = await records.images.get(id);
    if (!record) throw notFound(id);
    // Deleted since, and announced anew.
    if (form !== undefined && form !== formKey(record)) throw deletedMeanwhile(id);
    const maxBytes = Math.min(size, limits.maxBytes);
    const intake = await openIngest(source, { ...limits, maxBytes });
    // The same form once more, after an answer that got lost: the image is there, or will be.
    if (record.status !== 'uploading') return void (await sameBytes(originals, record, intake));
    if (intake.contentType !== contentType) {
      const facts = { param: 'file', received: intake.contentType, allowed: contentType };
      throw new Problem('unsupported_source', `This is ${intake.contentType}, not ${contentType}.`, facts);
    }
    const stored = await originals.put(id, exactly(size, intake.body), {
      contentType,
      ifAbsent: true,
      lateMetadata: digestMetadata(intake.digest),
    });
    if (!stored) {
      if (!(await holdsBytes(originals, id, intake.digest()))) throw taken(id);
      return sendObject(jobs, id, 'created');
    }
    if ((await records.images.get(id))?.createdAt !== record.createdAt) {
      await removeOwn({ originals, results }, id, stored.etag);
      throw deletedMeanwhile(id);
    }
    await sendObject(jobs, id, 'created', stored.etag);
  }

  /** The same upload announced once more, before its bytes came, gets another form: the first one may have got lost. */
  async #reannounced({ id, title, openUntil, owed, announced }: Announced): Promise<Announcement> {
    const { originals, records } = this.#options;
    const isSame = (record: ImageRecord) =>
      record.status === 'uploading' &&
      record.title === title &&
      record.announced?.contentType === announced.contentType &&
      record.announced.bytes === announced.bytes;
    const record = await updateWithRetry(records, id, (record) =>
      isSame(record) ? { openUntil, owed } : undefined,
    );
    if (!record?.announced || !isSame(record) || (await originals.head(id))) throw taken(id);
    return record.announced;
  }

  /** Straight to the store where it takes forms, else to this server. */
  async #form(policy: Policy, base: string): Promise<Form> {
    const { originals, localForms } = this.#options;
    const { id, contentType, size, form: key = id } = policy;
    if (originals.form) return originals.form({ key, contentType, size, seconds: UPLOAD_SECONDS });
    if (!localForms) throw new Error('Nothing here makes forms.');
    return localForms.form(policy, base);
  }

  #check({ contentType, size }: PresignedUpload): void {
    const { maxBytes, maxSourceBytes, readsHeic } = this.#options.limits;
    const types: readonly string[] = Object.values(SOURCE_FORMATS);
    if (HEIC_TYPES.includes(contentType)) checkHeic(readsHeic);
    else if (!types.includes(contentType)) {
      const facts = { param: 'contentType', received: contentType, allowed: types.join(' ') };
      const detail = `"${contentType}" cannot be read; readable are ${facts.allowed}.`;
      throw new Problem('unsupported_source', detail, facts);
    }
    if (size > Math.min(maxBytes, maxSourceBytes)) throw uploadTooLarge(Math.min(maxBytes, maxSourceBytes));
  }
}

/** As browsers tell it of the ending of a name. */
const HEIC_TYPES: readonly string[] = [SOURCE_FORMATS.heic, 'image/heif'];

type Announcement = NonNullable<ImageRecord['announced']>;
type Announced = Required<Pick<ImageRecord, 'id' | 'title' | 'openUntil' | 'owed' | 'announced'>>;

/** A short body fails before it is published, so that nothing of it stays. */
async function* exactly(size: number, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let got = 0;
  for await (const chunk of body) {
    got += chunk.length;
    yield chunk;
  }
  if (got === size) return;
  const facts = { param: 'file', received: `${got} bytes`, allowed: `${size} bytes` };
  throw new Problem('invalid_request', `The file has ${facts.received}; announced were ${size}.`, facts);
}
