/** Longer than any packet of a camera; an archive's history may have megabytes. */
const XMP_BYTES = 2 ** 18;

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const unescaped = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));/gi, (_, hex, decimal, name) => {
    if (name) return ENTITIES[String(name).toLowerCase()] ?? '';
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '';
  });

/**
 * A property of Dublin Core in an XMP packet: as an element with a list of texts, of which the default or the first
 * counts, or as an attribute (ISO 16684-1, 7.5-7.9 and 8.4).
 *
 * @param name  `rights` or `creator`
 * @returns     undefined where it is not there
 */
export function dublinCore(packet: Uint8Array, name: 'rights' | 'creator'): string | undefined {
  const text = Buffer.from(
    packet.buffer,
    packet.byteOffset,
    Math.min(packet.byteLength, XMP_BYTES),
  ).toString();
  const element = between(text, `<dc:${name}`, `</dc:${name}>`);
  const found = element === undefined ? attributeOf(text, name) : textOf(element);
  return found === undefined ? undefined : unescaped(found);
}

/** In ASCII: libvips writes the packet of a PNG as Latin-1 (tEXt), where bytes of UTF-8 would be other letters. */
const escaped = (text: string): string =>
  text.replace(/[&<>]|[^\0-\x7f]/gu, (letter) => `&#x${letter.codePointAt(0)?.toString(16)};`);

/** A packet that says who made a picture and whose it is (ISO 16684-1, 8.4), and nothing else. */
export function writeDublinCore(said: { readonly creator?: string; readonly rights?: string }): string {
  const creator = said.creator
    ? `<dc:creator><rdf:Seq><rdf:li>${escaped(said.creator)}</rdf:li></rdf:Seq></dc:creator>`
    : '';
  const rights = said.rights
    ? `<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">${escaped(said.rights)}</rdf:li></rdf:Alt></dc:rights>`
    : '';
  return (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
    `<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">${creator}${rights}</rdf:Description>` +
    '</rdf:RDF></x:xmpmeta>'
  );
}

/** What lies between two marks; by search, since a pattern could be made to run for seconds. */
function between(text: string, open: string, close: string): string | undefined {
  const start = text.indexOf(open);
  const end = start < 0 ? -1 : text.indexOf(close, start + open.length);
  return end < 0 ? undefined : text.slice(start + open.length, end);
}

function textOf(element: string): string {
  const fallback = element.indexOf('x-default');
  const item = between(
    element.slice(fallback < 0 ? 0 : element.lastIndexOf('<rdf:li', fallback)),
    '<rdf:li',
    '</rdf:li>',
  );
  const inside = item ?? element;
  return inside.slice(inside.indexOf('>') + 1);
}

function attributeOf(text: string, name: string): string | undefined {
  for (const quote of ['"', "'"]) {
    const found = between(text, ` dc:${name}=${quote}`, quote);
    if (found !== undefined) return found;
  }
  return undefined;
}
