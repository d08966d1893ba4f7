import { isProblem, Problem, reasonOf } from '../shared/errors.ts';
import { inLanes } from '../shared/in-lanes.ts';
import type { Remote, RemoteAnswer } from '../shared/remote.ts';
import { beginningOf } from '../shared/text.ts';
import type { Imports } from '../writing/imports.ts';
import type { Asked } from '../writing/library.ts';
import type { Feed } from './definition.ts';
import { broken, decodeText, readBody } from './document.ts';
import type { Found } from './found.ts';
import { readJsonPage } from './json.ts';
import { type Document, type Listed, type Listing, listFound, newListing } from './listing.ts';
import { ofAnother } from './owner.ts';
import { readRss } from './rss.ts';
import { readSitemap } from './sitemap.ts';
import type { Brought, Fresh, Read, Source } from './source.ts';
import type { Documents, Known, ReadDocument } from './state.ts';
import { firstOf } from './summary.ts';

/** Documents of one feed: an index of sitemaps may name 50,000, of which each may have 50 MB, and pages may never end. */
const MAX_DOCUMENTS = 1_000;
/** Refused addresses of a document that are named again while it is what it was; the others are counted. */
const REFUSED_NAMED = 3;

export interface HttpSourceOptions {
  /** Absent: nothing is fetched from anywhere. */
  readonly remote: Pick<Remote, 'get'> | undefined;
  readonly imports: Pick<Imports, 'request' | 'refresh'>;
}

/** A document on its way. */
interface Turn {
  readonly feed: Feed;
  readonly url: string;
  readonly before: ReadDocument | undefined;
  readonly listing: Listing;
  readonly signal: AbortSignal;
}

/** Pictures at addresses that documents list: warmers fetch them, and ask whether they are current. */
export class HttpSource implements Source {
  readonly #options: HttpSourceOptions;

  constructor(options: HttpSourceOptions) {
    this.#options = options;
  }

  async read(feed: Feed, before: Documents, signal: AbortSignal): Promise<Read> {
    const listing = newListing();
    const documents: Record<string, ReadDocument> = {};
    const unchanged = new Set<string>();
    const waiting = [feed.from];
    for (let url = waiting.shift(); url !== undefined; url = waiting.shift()) {
      if (documents[url]) continue;
      if (Object.keys(documents).length === MAX_DOCUMENTS)
        throw broken(
          feed.from,
          `has more than ${MAX_DOCUMENTS} ${feed.kind === 'json' ? 'pages' : 'sitemaps'}`,
        );
      const { document, isUnchanged } = await this.#document({
        feed,
        url,
        before: before[url],
        listing,
        signal,
      });
      documents[url] = document;
      if (isUnchanged) unchanged.add(url);
      const { sitemaps = [], next } = document;
      if (sitemaps.length > 0 && url !== feed.from)
        throw broken(url, 'is an index of sitemaps in an index of sitemaps');
      // Whoever is sent round in circles has not seen all that there is.
      if (next !== undefined && documents[next]) throw broken(url, `leads back to the page ${next}`);
      waiting.push(...sitemaps, ...(next === undefined ? [] : [next]));
    }
    return { listing, documents, unchanged };
  }

  /** An import says itself whose it is. */
  async free(): Promise<ReadonlySet<string>> {
    return new Set();
  }

  async bring(feed: Feed, pictures: readonly Fresh[]): Promise<Brought[]> {
    const { imports } = this.#options;
    const { name, collection, warm } = feed;
    const outcomes = await imports.request(
      pictures.map(({ listed: { id, from: url, title } }) => ({
        id,
        url,
        title,
        collection,
        feed: name,
        variants: warm.forms,
        requested: warm.requested,
      })),
    );
    return inLanes([...outcomes.entries()], async ([index, outcome]) => {
      if (!isProblem(outcome)) return this.#requested(feed, outcome);
      const listed = outcome.code === 'conflict' ? pictures[index]?.listed : undefined;
      const isMoved = listed && (await this.#move(feed, listed));
      return isMoved ? { isPending: true } : { error: reasonOf(outcome) };
    });
  }

  /** Whether it is a picture of the feed that is at another address now, as `https` for `http`. */
  async #move({ name }: Feed, { id, from: url }: Listed): Promise<boolean> {
    try {
      await this.#options.imports.refresh(id, { feed: name, url });
      return true;
    } catch (error) {
      if (!isProblem(error) || error.status >= 500) throw error;
      return false;
    }
  }

  /** What was requested before and could not be fetched is tried again. */
  async #requested({ name }: Feed, { record: { id, feed, version, owed } }: Asked): Promise<Brought> {
    if (feed !== name) return { error: reasonOf(ofAnother(id, feed)) };
    // Of a run that was killed before it could write that down.
    if (version !== undefined) return { outcome: 'new', version };
    return owed?.fetch ? { isPending: true } : this.#refresh(id);
  }

  async look({ recheck }: Feed, pictures: readonly { listed: Listed; known: Known }[]): Promise<Brought[]> {
    return inLanes(pictures, async ({ listed: { id, mark }, known }) => {
      const isDue = recheck === 'always' || mark === undefined || mark !== known.mark;
      return isDue || known.error !== undefined ? this.#refresh(id) : {};
    });
  }

  async #refresh(id: string): Promise<Brought> {
    try {
      await this.#options.imports.refresh(id);
      return { isPending: true };
    } catch (error) {
      if (!isProblem(error) || error.status >= 500) throw error;
      if (error.code === 'image_not_found') return { isDeleted: true };
      // Somebody has put another original there, which is theirs.
      return error.code === 'conflict' ? {} : { error: reasonOf(error) };
    }
  }

  async #document(turn: Turn): Promise<{ document: ReadDocument; isUnchanged: boolean }> {
    const { feed, url, before, listing, signal } = turn;
    const answer = await this.#get(url, before ?? {}, signal);
    if (answer.isUnchanged && before) {
      const { count = 0, first = [] } = before.refused ?? {};
      listing.refused.push(...first);
      listing.refusedBefore += count - first.length;
      return { document: before, isUnchanged: true };
    }
    const text = decodeText(url, await readBody(url, answer.body));
    const refusedBefore = listing.refused.length;
    const { found, sitemaps, next } = readDocument(feed, url, text);
    listFound(listing, feed, { url, base: answer.url }, found);
    const refused = firstOf(listing.refused.slice(refusedBefore), 0, REFUSED_NAMED);
    const document = {
      ...validatorsOf(answer),
      ...(sitemaps.length > 0 && { sitemaps }),
      ...(next !== undefined && { next: pageAt(next, { url, base: answer.url }) }),
      ...(refused.count > 0 && { refused }),
    };
    return { document, isUnchanged: false };
  }

  async #get(url: string, { etag, lastModified }: ReadDocument, signal: AbortSignal): Promise<RemoteAnswer> {
    const { remote } = this.#options;
    if (remote) return remote.get(url, { etag, lastModified }, signal);
    const hint = 'IMPORT_HOSTS names the hosts that originals and feeds may be fetched from.';
    throw new Problem('not_allowed', 'This deployment fetches nothing from elsewhere.', {
      received: url,
      hint,
    });
  }
}

/** A document without any is read whole in each run. */
function validatorsOf({ etag, lastModified }: RemoteAnswer): ReadDocument {
  return { ...(etag !== undefined && { etag }), ...(lastModified !== undefined && { lastModified }) };
}

/** What a document says. */
interface Content {
  readonly found: readonly Found[];
  readonly sitemaps: readonly string[];
  readonly next?: string | undefined;
}

function readDocument({ kind, path = '$', next }: Feed, url: string, text: string): Content {
  if (kind === 'rss') return { found: readRss(url, text), sitemaps: [] };
  if (kind === 'json') return { ...readJsonPage(url, text, { path, next }), sitemaps: [] };
  const { pictures, sitemaps } = readSitemap(url, text);
  return { found: pictures, sitemaps };
}

/**
 * The page behind one: beside where that was, behind all redirects, and on the same host, since what another one lists
 * would be of another feed.
 *
 * @throws Problem `invalid_feed`
 */
function pageAt(written: string, { url, base }: Document): string {
  const next = URL.canParse(written, base) ? new URL(written, base) : undefined;
  if (!next || next.host !== new URL(base).host)
    throw broken(url, `has ${beginningOf(written, 200)} as its next page, which is no address of its host`);
  next.hash = '';
  return next.href;
}
