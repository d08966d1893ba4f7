import { join, sep } from 'node:path';

/** Names stay below the 255 bytes of common file systems, with room for escapes and the suffix. */
const LONGEST = 238;

/** First letter of a name that opens a device on Windows, whatever comes behind a dot. */
const DEVICE = /^[acnlp](?=(?:(?<=c)on|(?<=p)rn|(?<=a)ux|(?<=n)ul|(?<=c)om\d|(?<=l)pt\d) *(?:\.|$))/;
const NEVER = /(?!)/;

/** What the name of a directory entry says. */
export interface Entry {
  name: string;
  /** What it adds to the key, in bytes; ends in a slash for a folder of keys. */
  text: string;
  isFolder: boolean;
}

/**
 * The mapping between keys and files, readable both ways, with no two keys on one file:
 * - `a/b` is file `b` in folder `a+`, so that keys `a` and `a/b` live side by side;
 * - a segment too long for a file name goes on inside a folder named by its first part and `++`;
 * - what some file system does not take is `%XX`, as is a leading dot, which keeps `..` and our own `.tmp`
 *   out of reach; on a file system that folds case, as those of macOS and Windows do, so are capital letters, `~`,
 *   which could name another file by its short form there, and the first letter of a device.
 *
 * Keys are handled as their UTF-8 bytes, one character each, so that order is bytewise.
 */
export class KeyPaths {
  readonly #root: string;
  readonly #unsafe: RegExp;
  readonly #device: RegExp;
  /** Keys without a segment that is empty or to be escaped. */
  readonly #plain: RegExp;

  constructor(root: string, { foldsCase }: { foldsCase: boolean }) {
    this.#root = root;
    this.#device = foldsCase ? DEVICE : NEVER;
    const chars = `${foldsCase ? '' : 'A-Z~'}a-z0-9_,=&@!()'`;
    this.#unsafe = new RegExp(`[^${chars} .-]`, 'g');
    const segment = `[${chars}-](?:[${chars} .-]*[${chars}-])?`;
    this.#plain = foldsCase ? NEVER : new RegExp(`^${segment}(?:/${segment})*$`);
  }

  /** @param key  as bytes */
  file(key: string): string {
    // Nearly all: what follows would come to the same, in ten times the time.
    if (key.length < LONGEST && this.#plain.test(key))
      return this.#root + sep + key.replaceAll('/', `+${sep}`);
    const segments = key.split('/');
    const last = this.#split(segments.pop() ?? '');
    const name = this.#escape(last.pop() ?? '');
    return join(
      this.#root,
      ...this.#folders(segments),
      ...last.map((part) => `${this.#escape(part)}++`),
      name,
    );
  }

  /** @param prefix  as bytes; empty or with a slash at its end */
  folder(prefix: string): string {
    return join(this.#root, ...this.#folders(prefix.split('/').slice(0, -1)));
  }

  /** Undefined for a name that this class does not write. */
  entry(name: string): Entry | undefined {
    const suffix = name.endsWith('++') ? '++' : name.endsWith('+') ? '+' : '';
    const escaped = name.slice(0, name.length - suffix.length);
    const text = escaped === '%' ? '' : unescaped(escaped);
    const parts = this.#split(text);
    const isOurs = this.#escape(text) === escaped && parts.length === (suffix === '++' ? 2 : 1);
    if (!isOurs) return undefined;
    return { name, text: suffix === '+' ? `${text}/` : text, isFolder: suffix !== '' };
  }

  #folders(segments: string[]): string[] {
    return segments.flatMap((segment) => {
      const parts = this.#split(segment);
      return parts.map((part, index) => this.#escape(part) + (index < parts.length - 1 ? '++' : '+'));
    });
  }

  /** A part ends where its text alone decides it, so that keys which share a beginning share its folder. */
  #split(segment: string): string[] {
    // Nearly all: they fit even if every character is escaped.
    if (segment.length * 3 < LONGEST) return [segment];
    const parts: string[] = [];
    let part = '';
    let width = 0;
    for (const char of segment) {
      part += char;
      width += char.search(this.#unsafe) < 0 ? 1 : 3;
      if (width < LONGEST) continue;
      parts.push(part);
      part = '';
      width = 0;
    }
    return [...parts, part];
  }

  #escape(part: string): string {
    if (part === '') return '%';
    // Windows drops a dot or space at the end of a name.
    return part
      .replace(this.#unsafe, hex)
      .replace(this.#device, hex)
      .replace(/^\.|[. ]$/g, hex);
  }
}

function hex(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function unescaped(text: string): string {
  return text.replace(/%([0-9A-F]{2})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}
