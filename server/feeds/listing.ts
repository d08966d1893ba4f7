import { refusalOf } from '../core/query/id.ts';
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
  readonly from: string;
  readonly error: string;
}

export interface Listing {
  /** By id. */
  readonly pictures: Map<string, Listed>;
  readonly refused: Refused[];
  /** Of documents that are what they were: how many more were refused than are in the list. */
  refusedBefore: number;
}

export const newListing = (): Listing => ({ pictures: new Map(), refused: [], refusedBefore: 0 });

/**
 * Adds a picture, once for each address.
 *
 * @throws Problem `invalid_feed` for more than a feed may have
 */
export function list(listing: Listing, feed: Feed, one: Listed): void {
  const refusal = refusalOf(one.id);
  const other = listing.pictures.get(one.id);
  const refuse = (error: string) => listing.refused.push({ from: one.from, error });
  if (refusal !== undefined) refuse(`invalid_parameter: "${one.id}" is not an id: ${refusal}.`);
  else if (!other) listing.pictures.set(one.id, one);
  else if (other.from === one.from) listing.pictures.set(one.id, { ...other, ...namedIn(other, one) });
  else refuse(`conflict: ${other.from} has the id "${one.id}".`);
  if (listing.pictures.size + listing.refused.length > MAX_PICTURES)
    throw broken(feed.from, `lists more than ${MAX_PICTURES} pictures`);
}

function namedIn({ documents = [] }: Listed, { documents: more = [] }: Listed): Pick<Listed, 'documents'> {
  const all = [...new Set([...documents, ...more])];
  return all.length > 0 ? { documents: all } : {};
}

/** Those that a document names; one whose address is none is refused alone. */
export function listFound(listing: Listing, feed: Feed, document: string, found: readonly Found[]): void {
  for (const { url: written, title, mark } of found) {
    const url = URL.canParse(written, document) ? new URL(written, document) : undefined;
    if (!url || !/^https?:$/.test(url.protocol)) {
      listing.refused.push({ from: written, error: 'invalid_parameter: This is no http or https URL.' });
      continue;
    }
    url.hash = '';
    const told = { ...(title && { title: title.slice(0, MAX_TITLE) }), ...(mark && { mark }) };
    list(listing, feed, { id: idOf(url, feed), from: url.href, documents: [document], ...told });
  }
}

/** Of an image. */
const MAX_TITLE = 200;

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
