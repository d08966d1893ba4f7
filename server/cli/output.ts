import { errorText } from '../shared/error-text.ts';
import { isProblem } from '../shared/errors.ts';

const BAR = 30;

/** Where a command reads and says; those of the process. */
export interface Streams {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** What a command says: results on stdout, progress and failures on stderr. */
export class Output {
  readonly isJson: boolean;
  readonly #streams: Streams;
  #failures = 0;
  #bar = '';

  constructor({ isJson, streams }: { isJson: boolean; streams: Streams }) {
    this.isJson = isJson;
    this.#streams = streams;
  }

  /** What is handed to the command by its input. */
  get input(): NodeJS.ReadableStream {
    return this.#streams.stdin;
  }

  /** Of how many subjects it was said that they failed. */
  get failures(): number {
    return this.#failures;
  }

  /** One result: its fields for machines, a line or more for people. */
  result(fields: Readonly<Record<string, unknown>>, text: string): void {
    this.#clear();
    this.#streams.stdout.write(`${this.isJson ? JSON.stringify(fields) : text}\n`);
    this.#draw();
  }

  /** That one of several did not succeed; the others go on. */
  failed(subject: string, error: unknown): void {
    this.#failures += 1;
    this.#clear();
    const reason = isProblem(error) ? error.detail : errorText(error);
    if (this.isJson) this.#streams.stdout.write(`${JSON.stringify({ subject, error: reason })}\n`);
    else this.#streams.stderr.write(`${subject}: ${reason}\n`);
    this.#draw();
  }

  /** A word beside the results. */
  note(text: string): void {
    if (!this.isJson) this.#streams.stderr.write(`${text}\n`);
  }

  /** Shows how far the work is, on a terminal. */
  progress(done: number, total: number): void {
    if (this.isJson || !this.#streams.stderr.isTTY || total < 2) return;
    const full = Math.round((BAR * done) / total);
    this.#clear();
    this.#bar = done < total ? `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}] ${done}/${total}` : '';
    this.#draw();
  }

  #clear(): void {
    if (this.#bar) this.#streams.stderr.write('\r\x1b[K');
  }

  #draw(): void {
    if (this.#bar) this.#streams.stderr.write(this.#bar);
  }
}
