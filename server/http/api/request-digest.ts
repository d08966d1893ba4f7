import { createHash, hash } from 'node:crypto';

/** The bytes of one file of a form, as they pass. */
export interface FileDigest {
  update(chunk: Uint8Array): void;
  /** There are no more. */
  end(): void;
}

/**
 * What a request asks for, in short: the same whenever it is sent again, though a form then has another boundary. A form
 * is digested while it is read.
 */
export class RequestDigest {
  readonly #lines: string[];
  #filesUnderWay = 0;

  constructor(method: string, url: string) {
    this.#lines = [`${method} ${url}`];
  }

  /** A body that was read whole. */
  body(value: unknown): void {
    this.#lines.push(`body ${JSON.stringify(value ?? null)}`);
  }

  field(name: string, value: unknown): void {
    this.#lines.push(`field ${JSON.stringify([name, value])}`);
  }

  file(name: string): FileDigest {
    const bytes = createHash('sha256');
    let isEnded = false;
    this.#filesUnderWay += 1;
    return {
      update: (chunk) => bytes.update(chunk),
      end: () => {
        // The rest of a refused file is read by another reader, who comes to the same end.
        if (isEnded) return;
        isEnded = true;
        this.#filesUnderWay -= 1;
        this.#lines.push(`file ${JSON.stringify(name)} ${bytes.digest('hex')}`);
      },
    };
  }

  /** Undefined while a file has not been read to its end. */
  get value(): string | undefined {
    return this.#filesUnderWay === 0 ? hash('sha256', this.#lines.join('\n')) : undefined;
  }
}
