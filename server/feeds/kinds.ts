export const FEED_KINDS = ['sitemap', 'rss', 'json', 's3', 'folder'] as const;
/** What becomes of an image whose feed does not list it any more. */
export const VANISHED_POLICIES = ['keep', 'mark', 'delete'] as const;
