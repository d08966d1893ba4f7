import type { Problem } from '../shared/errors.ts';
import { problemOf } from './heif.ts';
import { loadLibheif } from './libheif-module.ts';

const [ERROR_BYTES, OUT_BYTES] = [12, 32];

/** The memory of one decoder, and calls into it. */
export class LibheifHeap {
  readonly heif = loadLibheif();
  /** Where calls put what they give back. */
  readonly out = this.heif._malloc(OUT_BYTES);
  readonly #error = this.heif._malloc(ERROR_BYTES);

  view(): DataView {
    return new DataView(this.heif.HEAPU8.buffer);
  }

  number(place: number): number {
    return this.view().getUint32(place, true);
  }

  copy(place: number, length: number): Buffer {
    return Buffer.from(this.heif.HEAPU8.subarray(place, place + length));
  }

  text(place: number): string {
    return this.copy(place, this.heif.HEAPU8.indexOf(0, place) - place).toString('utf8');
  }

  /** Whether it went well; what comes out lies at `out`. */
  tries(call: (error: number) => void): boolean {
    call(this.#error);
    return this.number(this.#error) === 0;
  }

  do(call: (error: number) => void): void {
    if (!this.tries(call)) throw this.problem();
  }

  /** What the last call said. */
  problem(): Problem {
    const [code, subcode] = [this.number(this.#error), this.number(this.#error + 4)];
    return problemOf(code, subcode, this.text(this.number(this.#error + 8)));
  }
}
