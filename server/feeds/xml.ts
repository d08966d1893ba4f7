import sax, { type QualifiedTag } from 'sax';
import { broken } from './document.ts';

/** Deeper than anything that lists pictures, and shallow enough for any stack. */
const MAX_DEPTH = 50;
/** Of one text, as a title or an address; longer ones are cut, since nobody here reads them. */
const MAX_TEXT_LENGTH = 10_000;
/** The parser compares each attribute with all before it: 100,000 of one element took 7 s of the processor. */
const MAX_ATTRIBUTES = 1_000;
/** Characters of a tag that is not closed yet, in which attributes are not counted. */
const MAX_TAG_LENGTH = 131_072;
/** What the parser is handed at once: it looks at the length of what it holds between two of them. */
const PIECE_LENGTH = 32_768;

/** Its types do not know the last one, without which the entities of HTML would be read as well. */
const OPTIONS = { xmlns: true, position: true, trim: false, strictEntities: true };

/** An element, by the namespace that it is of: prefixes are anybody's choice. */
export interface Element {
  readonly uri: string;
  readonly local: string;
  /** By local name, of those in no namespace. */
  readonly attributes: Readonly<Record<string, string>>;
  /** What stands in it and in no element inside; trimmed. */
  text: string;
}

export interface XmlListener {
  /** @param parents  the root first, without the element */
  readonly opened?: (element: Element, parents: readonly Element[]) => void;
  /** The element is whole. */
  readonly closed: (element: Element, parents: readonly Element[]) => void;
}

/**
 * Reads XML from its root to its end. There is no document type in it: with none, nothing is fetched, and no entity is
 * anything but one of the five or a character.
 *
 * @param from  for refusals
 * @throws Problem `invalid_feed` with line and column for what is not well-formed or was cut, has a document type, or is
 *         nested too deeply, or has a tag that is too long; whatever the listener throws
 */
export function readXml(from: string, text: string, listener: XmlListener): void {
  const parser = sax.parser(true, OPTIONS);
  const path: Element[] = [];
  let hasRoot = false;
  let tagStart: number | undefined;
  const fail = (why: string, cause?: unknown): never => {
    throw broken(from, `line ${parser.line + 1}, column ${parser.column + 1}: ${why}`, cause);
  };
  parser.onerror = (error) => fail(error.message.split('\n')[0] ?? '', error);
  parser.ondoctype = () => fail('a document type (<!DOCTYPE>) is not read');
  parser.onopentagstart = () => {
    tagStart = parser.startTagPosition;
  };
  parser.onopentag = (tag) => {
    tagStart = undefined;
    if (Object.keys(tag.attributes).length > MAX_ATTRIBUTES) fail(`more than ${MAX_ATTRIBUTES} attributes`);
    if (path.length >= MAX_DEPTH) fail(`elements are nested more than ${MAX_DEPTH} deep`);
    if (path.length === 0 && hasRoot) fail('there is a second root');
    hasRoot = true;
    const element = elementOf(tag);
    listener.opened?.(element, path);
    path.push(element);
  };
  parser.ontext = (piece) => addText(path.at(-1), piece);
  parser.oncdata = parser.ontext;
  parser.onclosetag = () => {
    const element = path.pop();
    if (!element) return;
    element.text = element.text.trim().slice(0, MAX_TEXT_LENGTH);
    listener.closed(element, path);
  };
  writeIn(parser, text, () => {
    if (parser.position - (tagStart ?? parser.position) > MAX_TAG_LENGTH)
      fail(`a tag of more than ${MAX_TAG_LENGTH} characters`);
  });
  if (!hasRoot) fail('there is no element');
}

function addText(element: Element | undefined, piece: string): void {
  if (element && element.text.length < MAX_TEXT_LENGTH) element.text += piece;
}

/** Writes a text in pieces, and looks between them. */
function writeIn(parser: sax.SAXParser, text: string, look: () => void): void {
  for (let start = 0; start < text.length; start += PIECE_LENGTH) {
    parser.write(text.slice(start, start + PIECE_LENGTH));
    look();
  }
  parser.close();
}

function elementOf(tag: sax.Tag | QualifiedTag): Element {
  // The parse boundary: with `xmlns` all tags are qualified.
  const { uri, local, attributes } = tag as QualifiedTag;
  const own = Object.values(attributes).filter(({ prefix }) => prefix === '');
  return {
    uri,
    local,
    attributes: Object.fromEntries(own.map(({ name, value }) => [name, value])),
    text: '',
  };
}
