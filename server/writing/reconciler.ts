import type { Problem } from '../shared/errors.ts';
import { isSetBack } from '../shared/set-back.ts';
import { digestOf } from '../stores/checksum.ts';
import type { ImageChange, ImageRecord, NewImage } from '../stores/images.ts';
import type { Objects, StoredFacts } from '../stores/objects.ts';
import type { Records } from '../stores/stores.ts';
import { pause } from '../stores/until-written.ts';
import { currentVersion, toUpdate } from '../warming/queue.ts';
import type { WarmSets } from '../warming/warm-set.ts';
import { CLAIM_SECONDS } from './claim.ts';
import { formKey, idOfForm } from './form-keys.ts';
import { hasResults, type Intents } from './intents.ts';
import { isRefusal, type Measure, type Measured } from './measure.ts';
import { type Debt, owedBy, owing, withoutDebt } from './owing.ts';
import type { Purge } from './purge.ts';
import { removeOwn } from './remove-own.ts';

/** How long somebody may take to send the bytes of an upload that was announced. */
export const UPLOAD_SECONDS = 3600;
/** Programs of before did not write how long an upload is awaited; a request lasted less. */
const UNSAID_SECONDS = 600;

/** An object that changes more often than this while one event is handled is handled by the next one. */
const ROUNDS = 5;

export interface ReconcilerOptions {
  readonly originals: Objects;
  readonly results: Objects;
  readonly records: Records;
  readonly measure: Measure;
  readonly purge: Pick<Purge, 'isMark'>;
  readonly intents: Intents;
  readonly warmSets: Pick<WarmSets, 'formsFor'>;
  readonly now: () => Date;
}

/**
 * Brings the record of an image in line with the object that is there, put or removed by whatever hand.
 *
 * Events are hints: what counts is the object as it stands. So one that comes twice, late or in the wrong
 * order changes nothing, and the sweep may call this for any record that did not get on.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /**
   * Looks at the object: a new one becomes known and warm, an overwritten one is purged and warmed again, an announced
   * upload is completed; of one that is gone, record, results and the edge's copies go too.
   *
   * @throws Problem `overloaded`, `store_unavailable`: worth another try
   */
  async reconcile(id: string): Promise<void> {
    const { originals, records, intents } = this.#options;
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await pause(round);
      const object = await originals.head(id);
      const record = await records.images.get(id);
      // What is being deleted goes first: the object may be one that came since.
      if (!record && (await records.images.tombstone(id))) {
        await intents.settle(id);
        continue;
      }
      if (!object && record && (await this.#adopted(record))) continue;
      if (!object) {
        if (await this.#gone(id, record)) return;
        continue;
      }
      if (!(await this.#arrived(id, record, object))) continue;
      const now = await originals.head(id);
      if (now?.etag === object.etag) return;
    }
  }

  /**
   * A form was posted to `key`: if its image still waits for it, that is what came. Other keys are those of a replacement
   * that is under way, whose server removes them.
   */
  async formArrived(key: string): Promise<void> {
    const id = idOfForm(key);
    if (id === undefined) return;
    await this.reconcile(id);
    await this.#options.originals.remove([key]);
  }

  /** For the sweep: what was owed to be looked at has been, once this resolves. */
  async look(id: string): Promise<void> {
    const { records } = this.#options;
    if (await this.#reopened(id)) return;
    await this.reconcile(id);
    const record = await records.images.get(id);
    if (!record?.owed?.measure) return;
    const rest = withoutDebt(record.owed, 'measure');
    await records.images.update(id, record.revision, { owed: rest });
  }

  /**
   * An upload that is said to be open for longer than any is, by a clock that was set back since, is open for a claim's time
   * from now: whoever lives moves it on meanwhile.
   */
  async #reopened(id: string): Promise<boolean> {
    const { records, now } = this.#options;
    const record = await records.images.get(id);
    const [nowMs, endMs] = [now().getTime(), Date.parse(record?.openUntil ?? '')];
    if (!record || !isSetBack(endMs, nowMs, UPLOAD_SECONDS)) return false;
    const openUntil = new Date(nowMs + CLAIM_SECONDS * 1000).toISOString();
    await records.images.update(id, record.revision, { openUntil });
    return true;
  }

  /** Takes what was posted to the form of an announced upload; false when nothing was. */
  async #adopted(record: ImageRecord): Promise<boolean> {
    const { originals, results, records } = this.#options;
    const { id, status, createdAt } = record;
    const key = originals.form && status === 'uploading' ? formKey(record) : undefined;
    if (key === undefined || !(await originals.head(key))) return false;
    const stored = await originals.copy(key, id, { ifAbsent: true });
    const isOurs = (await records.images.get(id))?.createdAt === createdAt;
    if (stored && !isOurs) await removeOwn({ originals, results }, id, stored.etag);
    await originals.remove([key]);
    return true;
  }

  /** False when the record changed meanwhile, and all is to be looked at again. */
  async #gone(id: string, record: ImageRecord | undefined): Promise<boolean> {
    const { purge, records, results, intents } = this.#options;
    if (!record) {
      // It may have been served before any record told of it.
      if (!purge.isMark(id) && !(await hasResults(results, id))) return true;
      if (!(await this.#create({ id, status: 'failed', owed: owing(undefined, { delete: 'rest' }) })))
        return false;
      await intents.settle(id);
      return true;
    }
    // A refused upload: the record says why until somebody deletes it.
    if (record.status === 'failed' && record.version === undefined) {
      await intents.settle(id);
      return true;
    }
    if (record.status === 'uploading' && (record.owed?.fetch || this.#isOpen(record))) return true;
    // A new upload may have the id by now.
    if (!(await records.images.bury(id, owing(undefined, { delete: 'rest' }), record))) return false;
    await intents.settle(id);
    return true;
  }

  /** Whether the bytes of an upload may still come. */
  #isOpen({ openUntil, createdAt }: ImageRecord): boolean {
    const end =
      openUntil === undefined ? Date.parse(createdAt) + UNSAID_SECONDS * 1000 : Date.parse(openUntil);
    return end > this.#options.now().getTime();
  }

  /** False when the record or the object changed meanwhile, and all is to be looked at again. */
  async #arrived(id: string, record: ImageRecord | undefined, object: StoredFacts): Promise<boolean> {
    const { intents } = this.#options;
    if (record?.version === object.etag) {
      // There was no slot to decode it in when it came.
      const isUndecided = record.status === 'uploaded' && !record.original?.placeholder;
      if (isUndecided && !(await this.#known(id, record, object))) return false;
      if (owedBy(record)) await intents.settle(id);
      return true;
    }
    // Whoever takes it in finishes it himself, and knows more: title, collection, variants.
    if (record?.status === 'uploading' && record.claim !== undefined && this.#isOpen(record)) return true;
    if (!(await this.#known(id, record, object))) return false;
    await intents.settle(id);
    return true;
  }

  /** Writes down what the object is. False when it has gone again or somebody else was faster. */
  async #known(id: string, before: ImageRecord | undefined, object: StoredFacts): Promise<boolean> {
    const { measure, warmSets, intents } = this.#options;
    let measured: Measured | undefined;
    try {
      measured = await measure.of(id);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return this.#refused(id, before, error);
    }
    if (!measured) return false;
    const arrival = { version: measured.etag, original: measured.facts, status: 'uploaded' } as const;
    const warm = [...(await warmSets.formsFor(id))];
    const isUndecided = !measured.isDecoded && warm.length === 0 && !(await this.#hasVariants(id));
    const debt: Debt = {
      ...(await this.#purgeOf(id, before)),
      rewarm: 'all',
      warm,
      ...(isUndecided && { measure: true }),
    };
    const isWritten = await this.#write(id, before, {
      ...arrival,
      error: undefined,
      openUntil: undefined,
      digest: measured.etag === object.etag ? digestOf(object) : undefined,
      // The claim of a server that died stays: the same upload once more ends what that one began.
      ...(before?.status !== 'uploading' && { claim: undefined }),
      owed: owing(withoutDebt(before?.owed, 'measure'), debt),
    });
    if (isWritten && isUndecided) await intents.sendArrival(id, measured.etag);
    return isWritten;
  }

  /** Whether anything is to be rendered of it that will show whether it can be. */
  async #hasVariants(id: string): Promise<boolean> {
    const { items } = await this.#options.records.variants.page(id, { limit: 1 });
    return items.length > 0;
  }

  /** An image that was there before has results of its own; one that no record told of may have. */
  async #purgeOf(id: string, before: ImageRecord | undefined): Promise<{ purge?: true }> {
    const { purge, results } = this.#options;
    const isStale = before
      ? currentVersion(before) !== undefined
      : purge.isMark(id) || (await hasResults(results, id));
    return isStale ? { purge: true } : {};
  }

  /**
   * Bytes that are no image. What was uploaded through us goes, and its record says why; what others keep in
   * their bucket is theirs and stays.
   */
  async #refused(id: string, before: ImageRecord | undefined, why: Problem): Promise<boolean> {
    const { originals, records } = this.#options;
    const version = (await originals.head(id))?.etag;
    if (version === undefined) return false;
    const failure = { status: 'failed', error: why.detail, claim: undefined, openUntil: undefined } as const;
    const purge = await this.#purgeOf(id, before);
    const isOurs = before?.status === 'uploading';
    if (!isOurs && before?.status !== 'uploaded') {
      const change = { ...failure, version, original: undefined };
      return this.#write(id, before, purge.purge ? { ...change, owed: owing(before?.owed, purge) } : change);
    }
    // Before the record: whoever is killed between the two comes here again.
    const failed = { status: 'failed', error: why.detail } as const;
    const waiting = (await records.variants.list(id)).filter(({ status }) => status === 'queued');
    await records.variants.updateAll(id, waiting.map(toUpdate(['queued'], failed)));
    const debt: Debt = isOurs ? { discard: true, notify: true } : { notify: true };
    const change = isOurs ? failure : { ...failure, version, original: undefined };
    return this.#write(id, before, { ...change, owed: owing(undefined, debt) });
  }

  /** False when somebody else was faster. */
  async #write(
    id: string,
    before: ImageRecord | undefined,
    change: ImageChange & { status: ImageRecord['status'] },
  ) {
    const { images } = this.#options.records;
    if (before) return (await images.update(id, before.revision, change)) !== undefined;
    const { status, version, original, error, owed, digest } = change;
    const said = { version, original, error, owed, digest };
    const fields = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
    return this.#create({ id, status, ...fields });
  }

  #create(image: Omit<NewImage, 'createdAt'>): Promise<boolean> {
    return this.#options.records.images.create({ ...image, createdAt: this.#options.now().toISOString() });
  }
}
