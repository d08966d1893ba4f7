import { broken } from './document.ts';
import type { Found } from './found.ts';
import { type Element, readXml } from './xml.ts';

const SITEMAP = 'http://www.sitemaps.org/schemas/sitemap/0.9';
const IMAGES = 'http://www.google.com/schemas/sitemap-image/1.1';

/** What a sitemap lists: pictures of pages, or further sitemaps. */
export interface Sitemap {
  readonly pictures: readonly Found[];
  readonly sitemaps: readonly string[];
}

/**
 * Reads a sitemap with the image extension, or an index of sitemaps.
 *
 * @see https://www.sitemaps.org/protocol.html
 * @see https://developers.google.com/search/docs/crawling-indexing/sitemaps/image-sitemaps
 * @throws Problem `invalid_feed`
 */
export function readSitemap(from: string, text: string): Sitemap {
  const pictures: Found[] = [];
  const sitemaps: string[] = [];
  let page: Found[] = [];
  let picture: { url?: string; title?: string } = {};
  let mark = '';
  const image: Record<string, (said: string) => void> = {
    loc: (url) => Object.assign(picture, { url }),
    title: (title) => Object.assign(picture, { title }),
    image: () => {
      const { url, title } = picture;
      if (url) page.push({ url, ...(title && { title }) });
      picture = {};
    },
  };
  const entry: Record<string, (said: string) => void> = {
    'url lastmod': (said) => {
      mark = said;
    },
    'sitemap loc': (said) => sitemaps.push(said),
    'urlset url': () => {
      pictures.push(...page.map((one) => (mark ? { ...one, mark } : one)));
      [page, mark] = [[], ''];
    },
  };
  const closed = ({ uri, local, text: said }: Element, parents: readonly Element[]): void => {
    if (uri === IMAGES) image[local]?.(said);
    if (uri === SITEMAP) entry[`${parents.at(-1)?.local} ${local}`]?.(said);
  };
  const opened = (element: Element, parents: readonly Element[]) => {
    if (parents.length === 0) checkRoot(from, element);
  };
  readXml(from, text, { opened, closed });
  return { pictures, sitemaps };
}

function checkRoot(from: string, { uri, local }: Element): void {
  if (uri === SITEMAP && (local === 'urlset' || local === 'sitemapindex')) return;
  throw broken(
    from,
    `is no sitemap: its root is <${local}> of "${uri}", not <urlset> or <sitemapindex> of "${SITEMAP}"`,
  );
}
