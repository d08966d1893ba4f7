import { broken } from './document.ts';
import type { Found } from './found.ts';
import { type Element, readXml } from './xml.ts';

const ATOM = 'http://www.w3.org/2005/Atom';
/** Written with and without the slash, by its own authors too. */
const MEDIA = /^http:\/\/search\.yahoo\.com\/mrss\/?$/;
/** Elements of RSS 2.0 are in no namespace; those of 1.0 in theirs. */
const RSS: readonly string[] = ['', 'http://purl.org/rss/1.0/'];
const RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#';

/** An item on its way. */
interface Item {
  readonly pictures: Found[];
  readonly thumbnails: Found[];
  title?: string;
  mark?: string;
}

/**
 * Reads RSS 2.0 or Atom: enclosures and media of items that are pictures, as far as their type says. Of an item without
 * any of them its thumbnail.
 *
 * @see https://www.rssboard.org/rss-specification
 * @see https://www.rfc-editor.org/rfc/rfc4287
 * @see https://www.rssboard.org/media-rss
 * @throws Problem `invalid_feed`
 */
export function readRss(from: string, text: string): Found[] {
  const found: Found[] = [];
  let item: Item | undefined;
  const opened = (element: Element, parents: readonly Element[]) => {
    if (parents.length === 0) checkRoot(from, element);
    if (isItem(element)) item = { pictures: [], thumbnails: [] };
  };
  const closed = (element: Element, parents: readonly Element[]) => {
    if (!item) return;
    if (isItem(element)) {
      const { pictures, thumbnails, title, mark } = item;
      const chosen = pictures.length > 0 ? pictures : thumbnails;
      found.push(...chosen.map((one) => ({ ...one, ...(title && { title }), ...(mark && { mark }) })));
      item = undefined;
      return;
    }
    const parent = parents.at(-1);
    if (parent && isItem(parent)) describe(item, element);
    collect(item, element);
  };
  readXml(from, text, { opened, closed });
  return found;
}

const isItem = ({ uri, local }: Element): boolean =>
  (local === 'item' && RSS.includes(uri)) || (local === 'entry' && uri === ATOM);

function checkRoot(from: string, { uri, local }: Element): void {
  const isFeed =
    (local === 'rss' && uri === '') || (local === 'feed' && uri === ATOM) || (local === 'RDF' && uri === RDF);
  if (!isFeed) throw broken(from, `is no RSS or Atom: its root is <${local}> of "${uri}"`);
}

function describe(item: Item, { uri, local, text }: Element): void {
  const isOwn = uri === ATOM || RSS.includes(uri);
  if (isOwn && local === 'title') item.title = text;
  if (isOwn && (local === 'updated' || local === 'pubDate')) item.mark = text;
}

function collect(item: Item, { uri, local, attributes }: Element): void {
  const { url = '', href = '', rel, type, medium } = attributes;
  const isPicture = type === undefined ? medium === undefined || medium === 'image' : /^image\//i.test(type);
  if (!isPicture) return;
  if (RSS.includes(uri) && local === 'enclosure' && url) item.pictures.push({ url });
  if (uri === ATOM && local === 'link' && rel === 'enclosure' && href) item.pictures.push({ url: href });
  if (!MEDIA.test(uri) || !url) return;
  // Without a type or medium it may as well be a film; the bytes would tell, once they were fetched.
  if (local === 'content' && (type !== undefined || medium !== undefined || hasPictureName(url)))
    item.pictures.push({ url });
  if (local === 'thumbnail') item.thumbnails.push({ url });
}

const hasPictureName = (url: string): boolean =>
  /\.(jpe?g|png|gif|webp|avif|svg|tiff?|heic|heif)$/i.test(url.split(/[?#]/, 1)[0] ?? '');
