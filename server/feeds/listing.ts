import { hash } from 'node:crypto';
import { refusalOf } from '../core/query/id.ts';
import { MAX_URL } from '../shared/remote.ts';
import { asText, beginningOf } from '../shared/text.ts';
import { MAX_TITLE } from '../writing/details.ts';
import type { Feed } from './definition.ts';
import { broken } from './document.ts';
import type { Found } from './found.ts';

/** Pictures of one feed: what is known of them is looked at in each run. */
export const MAX_PICTURES = 100_000;

/** A picture that a feed lists. */
export interface Listed {
  readonly id: string;
  /** Its address; of a bucket or folder its key. */
  readonly from: string;
  /** Of an address: which of the feed's documents name it. */
  readonly documents?: readonly string[];
  readonly title?: string;
  readonly mark?: string;
}

/** A picture that cannot be an image here. */
export interface Refused {
  /** The beginning of it: an address may be a whole picture (`data:`). */
  readonly from: string;
  readonly error: string;
}

/** Characters of what is kept of refused addresses, of their errors, and of marks. */
const MAX_FROM = 200;
const MAX_ERROR = 1_000;
const MAX_MARK = 200;

export interface Listing {
  /** By id. */
  readonly pictures: Map<string, Listed>;
  readonly refused: Refused[];
  /** Of documents that are what they were: how many more were refused than are in the list. */
  refusedBefore: number;
}

export const newListing = (): Listing => ({ pictures: new Map(), refused: [], refusedBefore: 0 });

function refuse(listing: Listing, from: string, error: string): void {
  listing.refused.push({ from: shortened(from, MAX_FROM), error: shortened(error, MAX_ERROR) });
}

const shortened = (text: string, length: number): string =>
  text.length <= length ? text : `${beginningOf(text, length - 1)}…`;

/**
 * Adds a picture, once for each address.
 *
 * @throws Problem `invalid_feed` for more than a feed may have
 */
export function list(listing: Listing, feed: Feed, one: Listed): void {
  const refusal = refusalOf(one.id);
  const other = listing.pictures.get(one.id);
  const id = shortened(one.id, MAX_FROM);
  if (refusal !== undefined)
    refuse(listing, one.from, `invalid_parameter: "${id}" is not an id: ${refusal}.`);
  else if (!other) listing.pictures.set(one.id, one);
  else if (other.from === one.from) listing.pictures.set(one.id, { ...other, ...namedIn(other, one) });
  else refuse(listing, one.from, `conflict: ${shortened(other.from, MAX_FROM)} has the id "${id}".`);
  if (listing.pictures.size + listing.refused.length > MAX_PICTURES)
    throw broken(feed.from, `lists more than ${MAX_PICTURES} pictures`);
}

function namedIn({ documents = [] }: Listed, { documents: more = [] }: Listed): Pick<Listed, 'documents'> {
  const all = [...new Set([...documents, ...more])];
  return all.length > 0 ? { documents: all } : {};
}

/** A document that was read. */
export interface Document {
  /** As it was asked for. */
  readonly url: string;
  /** Where it was, behind all redirects: what it names is beside that (RFC 3986, 5.1.3). */
  readonly base: string;
}

/** Those that a document names; one whose address is none is refused alone. */
export function listFound(
  listing: Listing,
  feed: Feed,
  { url: document, base }: Document,
  found: readonly Found[],
): void {
  for (const { url: written, title, mark } of found) {
    const url = URL.canParse(written, base) ? new URL(written, base) : undefined;
    if (!url || !/^https?:$/.test(url.protocol)) {
      refuse(listing, asText(written), 'invalid_parameter: This is no http or https URL.');
      continue;
    }
    url.hash = '';
    if (url.href.length > MAX_URL) {
      refuse(listing, asText(written), `invalid_parameter: This has more than ${MAX_URL} characters.`);
      continue;
    }
    const told = {
      ...(title && { title: beginningOf(asText(title), MAX_TITLE) }),
      ...(mark && { mark: markOf(asText(mark)) }),
    };
    list(listing, feed, { id: idOf(url, feed), from: url.href, documents: [document], ...told });
  }
}

/** A mark is compared and never read: of a long one its hash says as much. */
const markOf = (mark: string): string => (mark.length <= MAX_MARK ? mark : hash('sha256', mark));

/**
 * The id of a picture elsewhere: the path of its address as people read it, behind the feed's prefix; with its host where
 * that is not the feed's own, and with its query.
 */
export function idOf(url: URL, { from, prefix }: Pick<Feed, 'from' | 'prefix'>): string {
  const host = url.host === new URL(from).host ? '' : `${url.host}/`;
  return `${prefix}${host}${url.pathname.slice(1).split('/').map(decoded).join('/')}${url.search}`;
}

function decoded(segment: string): string {
  try {
    const text = decodeURIComponent(segment);
    // A slash that was escaped is no slash of the path.
    return text.includes('/') ? segment : text;
  } catch {
    return segment;
  }
}
