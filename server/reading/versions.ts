import { LRUCache } from 'lru-cache';
import { atMost } from '../shared/at-most.ts';
import { Circuit } from '../shared/circuit.ts';
import { isProblem } from '../shared/errors.ts';
import { within } from '../shared/within.ts';
import type { Objects } from '../stores/objects.ts';
import type { Records } from '../stores/stores.ts';
import { isAbsent, notFound, refuse } from './absent.ts';
import { ANY, type Identity, recordedIdentity, versionOf } from './identity.ts';
import type { PullThrough } from './pull-through.ts';

interface Known {
  readonly at: number;
  readonly identity: Promise<Identity | undefined>;
  /** Once the store has answered, be it that there is none. */
  isSettled: boolean;
  arrived?: Identity | undefined;
}

/** What the stores said last. Absent identity: it is no longer to be believed, and older answers come too late. */
interface Confirmed {
  readonly at: number;
  readonly identity: Identity | undefined;
}

export interface VersionsOptions {
  readonly objects: Objects;
  readonly records: Pick<Records, 'images'>;
  /** How long a looked-up version is believed. */
  readonly versionMs: number;
  /** How long the last known version stands in for stores that are away; 0: not at all, and nor does a lone original. */
  readonly outageMs: number;
  /** How long a request that could be answered by the last known version waits for a newer one. */
  readonly lookupMs: number;
  /** Monotonic ms. */
  readonly now: () => number;
}

const MAX_KNOWN = 50_000;

/** Look-ups under way that nobody waits for, while the stores do not answer. */
const MAX_UNAWAITED = 32;

/** Times `lookupMs`, after which an original goes without its record: without focal point the picture may be another. */
const RECORD_PATIENCE = 10;

/** Versions of originals, as the stores say them or said them last. */
export class Versions {
  readonly #options: VersionsOptions;
  readonly #known = new LRUCache<string, Known>(atMost(MAX_KNOWN));
  readonly #confirmed = new LRUCache<string, Confirmed>(atMost(MAX_KNOWN));
  readonly #circuit: Circuit;
  #elsewhere: PullThrough | undefined;
  #lookingUp = 0;
  #damaged = 0;

  constructor(options: VersionsOptions) {
    this.#options = options;
    this.#circuit = new Circuit(options.now);
  }

  /** Whether the stores have failed or been late so often that nobody waits for them. */
  get isAway(): boolean {
    return this.#circuit.isOpen;
  }

  /** Reads so far of originals that were not what had been written. */
  get damaged(): number {
    return this.#damaged;
  }

  /** Counts such a read; any other error is as it is. */
  countDamaged(error: unknown): void {
    if (isDamaged(error)) this.#damaged += 1;
  }

  /**
   * The version that a request goes by. Beyond `versionMs` it is looked up again; when that takes long or fails, the
   * last known one stands in, and for an image that was never looked up its original alone.
   *
   * @throws Problem `image_not_found`, `store_unavailable`
   */
  async identify(id: string): Promise<Identity> {
    try {
      return await this.#identify(id);
    } catch (error) {
      if (!isAbsent(error) || !(await this.#elsewhere?.pull(id))) throw error;
      return (await this.refresh(id)) ?? refuse(id);
    }
  }

  /** From now on originals that are not here are looked for there. */
  pullThrough(elsewhere: PullThrough): void {
    this.#elsewhere = elsewhere;
  }

  async #identify(id: string): Promise<Identity> {
    const fresh = this.#fresh(id);
    if (fresh?.isSettled) return fresh.arrived ?? refuse(id);
    const last = this.#standIn(id);
    if (!last) return this.#identifyAnew(id);
    if (!this.#circuit.admits()) {
      this.#lookUpUnawaited(id);
      return last;
    }
    const looked = await within(this.lookUp(id), this.#options.lookupMs).catch(() => undefined);
    // A purge of this process meanwhile: what was known counts no more.
    if (!looked) return this.#standIn(id) ?? this.#identifyAnew(id);
    return looked.value ?? refuse(id);
  }

  /** The version as it was at most `versionMs` ago; undefined when there is no such image. */
  async lookUp(id: string): Promise<Identity | undefined> {
    const existing = this.#fresh(id);
    if (existing) return existing.identity;
    const entry: Known = { at: this.#options.now(), identity: this.#lookUp(id), isSettled: false };
    this.#known.set(id, entry);
    entry.identity.then(
      (arrived) => {
        entry.arrived = arrived;
        entry.isSettled = true;
      },
      // A store that could not say is asked again by the next request.
      () => {
        if (this.#known.get(id) === entry) this.#known.delete(id);
      },
    );
    return entry.identity;
  }

  /** The version that is believed right now, without asking anyone. */
  lastKnown(id: string): Identity | undefined {
    return this.#fresh(id)?.arrived;
  }

  /** What a request may go by that waits for nobody: also what stands in while the stores are away. */
  believed(id: string): Identity | undefined {
    const fresh = this.#fresh(id);
    if (fresh?.isSettled) return fresh.arrived;
    const last = this.#circuit.isOpen ? this.#standIn(id) : undefined;
    // To the one that tries the stores again belongs a wait.
    if (!last || this.#circuit.isDue) return undefined;
    this.#lookUpUnawaited(id);
    return last;
  }

  /** Whether it is known right now that there is such an image, or that there is none. */
  isSettled(id: string): boolean {
    return this.#fresh(id)?.isSettled ?? false;
  }

  /** Looks up anew; what was known stands in for nothing any more. */
  refresh(id: string): Promise<Identity | undefined> {
    this.#known.delete(id);
    this.#confirmed.set(id, { at: this.#options.now(), identity: undefined });
    return this.lookUp(id);
  }

  /** Looks up anew, while others go on with what is believed unless this says otherwise. */
  async revalidate(id: string): Promise<Identity | undefined> {
    const identity = await this.#lookUp(id);
    if (this.#known.get(id)?.arrived?.version !== identity?.version) this.#known.delete(id);
    return identity;
  }

  #fresh(id: string): Known | undefined {
    const cached = this.#known.get(id);
    return cached && this.#options.now() - cached.at < this.#options.versionMs ? cached : undefined;
  }

  #standIn(id: string): Identity | undefined {
    const { now, outageMs } = this.#options;
    const last = this.#confirmed.get(id);
    if (!last?.identity || now() - last.at >= outageMs) return undefined;
    return { ...last.identity, isStale: true };
  }

  /** For an image that nothing is known of: there is nothing to answer by but the stores. */
  async #identifyAnew(id: string): Promise<Identity> {
    const { lookupMs, outageMs } = this.#options;
    const looking = this.lookUp(id);
    const alone = (error: unknown) => this.#identifyAlone(id, error);
    if (outageMs === 0) return (await looking) ?? refuse(id);
    const looked = await within(looking, lookupMs * RECORD_PATIENCE).catch((error) => ({ error }));
    if (!looked)
      return Promise.race([looking.then((found) => found ?? refuse(id)).catch(alone), alone(undefined)]);
    return 'error' in looked ? alone(looked.error) : (looked.value ?? refuse(id));
  }

  /**
   * What the bucket alone says: pictures are served while no record can be read, without their focal point.
   *
   * @param error  of the look-up, thrown when the bucket says no more; undefined while that goes on
   */
  async #identifyAlone(id: string, error: unknown): Promise<Identity> {
    const facts = await this.#options.objects.head(id);
    if (!facts) throw error ?? notFound(id);
    const { etag, lastModified, size } = facts;
    return { version: versionOf(etag, ANY), lastModified, size, focal: undefined, isStale: true };
  }

  #lookUpUnawaited(id: string): void {
    if (this.#fresh(id) || this.#lookingUp >= MAX_UNAWAITED) return;
    this.lookUp(id).catch(() => undefined);
  }

  /** Asks the stores, and notes how they did and what they said. */
  async #lookUp(id: string): Promise<Identity | undefined> {
    const { now, lookupMs } = this.#options;
    const at = now();
    this.#lookingUp += 1;
    try {
      const late = setTimeout(() => setImmediate(() => this.#circuit.failed()), lookupMs);
      late.unref();
      const identity = await this.#read(id).finally(() => clearTimeout(late));
      if (now() - at <= lookupMs) this.#circuit.succeeded();
      const last = this.#confirmed.get(id);
      if (!last || last.at <= at) this.#confirmed.set(id, { at, identity });
      return identity;
    } catch (error) {
      // It is this one that cannot be read, not the store.
      if (isDamaged(error)) this.#circuit.succeeded();
      else if (now() - at <= lookupMs) this.#circuit.failed();
      this.countDamaged(error);
      throw error;
    } finally {
      this.#lookingUp -= 1;
    }
  }

  async #read(id: string): Promise<Identity | undefined> {
    const { objects, records } = this.#options;
    const [facts, record] = await Promise.all([
      objects.head(id).catch((error: unknown) => ({ error })),
      records.images.get(id),
    ]);
    if (record) this.#elsewhere?.seen(record, facts && 'etag' in facts ? facts.etag : undefined);
    if (!facts) return undefined;
    if ('error' in facts) {
      const recorded = isDamaged(facts.error) ? recordedIdentity(record) : undefined;
      if (!recorded) throw facts.error;
      this.countDamaged(facts.error);
      return recorded;
    }
    const { etag, lastModified, size } = facts;
    const digest = record?.version === etag ? record.digest : undefined;
    const { generation, focal, upgraded } = record ?? {};
    return { version: versionOf(etag, generation), lastModified, size, focal, digest, upgraded };
  }
}

const isDamaged = (error: unknown): boolean => isProblem(error) && error.code === 'damaged_store';
