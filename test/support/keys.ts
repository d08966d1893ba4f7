/** Keys as buckets have them: of cameras, phones, shops, people of many languages, and what tries a path apart. */
export const BUCKET_KEYS: readonly string[] = [
  'photo (1).jpg',
  '写真.jpg',
  'icon@2x.png',
  '_DSC0001.jpg',
  'a+b.jpg',
  'caf\u00e9.jpg',
  'cafe\u0301.jpg',
  '100%.jpg',
  'lady%62ug.jpg',
  'a=b/c=d.jpg',
  "it's [new] {final} #1?.png",
  'Ünïcödé Straße/naïve & co.webp',
  '.hidden/-dash/~tilde..jpg',
  'sale*',
  'a;b,c:d$e!.jpg',
  'a..b/...jpg',
  'emoji 🦊/🐞.gif',
  'aux.jpg/con/NUL',
  'x/purge',
];

/** Keys that no URL can name, with a word of the reason. */
export const UNSERVABLE_KEYS: readonly (readonly [key: string, reason: string])[] = [
  ['products/', 'slash'],
  ['a//b.jpg', 'empty'],
  ['/a.jpg', 'empty'],
  ['a/../b.jpg', '..'],
  ['./a.jpg', '"."'],
  ['a\\b.jpg', 'backslash'],
  ['a\nb.jpg', 'control'],
  ['a\u0085b.jpg', 'control'],
  ['写'.repeat(234), '700'],
  ['.incoming/01J', 'wait'],
];
