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

/** A canonical form of as many parameters as do not contradict each other: a key of S3 has no room for it beside an id of 700 bytes. */
export const LONG_FORM =
  'bg=01020304&blur=12&border=12,01020304&bri=-100&chroma=444&con=100&effort=small&fit=cover&flip=h&fmt=avif&' +
  'fp=0.123,0.543&gam=1.2&h=1234&hue=123&icc=p3&inv=1&mask=ellipse&median=5&meta=none&norm=1&pad=111,112,113,114&' +
  'pix=12&q=12&rect=r,0.123,0.123,0.543,0.543&rot=90&sat=100&sepia=100&sharp=1&tint=010203&w=1234&zoom=1.25';
