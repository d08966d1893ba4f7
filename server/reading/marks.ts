import { LRUCache } from 'lru-cache';
import type { Transformation } from '../core/operations/index.ts';
import { readMarkText } from '../core/operations/watermark.ts';
import type { SourceLimits } from '../core/original/source.ts';
import type { PlanOptions } from '../core/plan/plan.ts';
import type { RenderPool } from '../sandbox/pool.ts';
import type { RunLimits } from '../sandbox/watch.ts';
import type { Admission } from '../shared/admission.ts';
import { isProblem, Problem } from '../shared/errors.ts';
import { SingleFlight } from '../shared/single-flight.ts';
import type { Originals } from './originals.ts';

export interface MarksOptions {
  readonly originals: Originals;
  /** Name to id of an original. */
  readonly watermarks: Readonly<Record<string, string>>;
  readonly limits: SourceLimits;
  readonly pool: RenderPool;
  readonly admission: Admission;
  /** What a mark may take to be drawn. */
  readonly drawing: RunLimits;
}

/** A mark as it is drawn, and whether it is a template. */
interface Mark {
  readonly bytes: Uint8Array;
  readonly takesText: boolean;
}

/** px of the longer side that an SVG mark is drawn at: the width of a mark on the largest of common pictures. */
const MARK_SIDE = 2048;
/** What drawing one takes: all of its pixels, as they are drawn and as they are written. How right that is, is learnt. */
const PRICE = { ms: 100, bytes: 12 * MARK_SIDE ** 2, kind: 'mark' } as const;
/** Marks that are kept drawn, each text of a template by itself. */
const KEPT = 32;

/** Parameters of the marks: name and text. */
const KEYS = [
  ['wm', 'wmx'],
  ['wm2', 'wm2x'],
] as const;

/** Registered watermarks, read and drawn. */
export class Marks {
  readonly #options: MarksOptions;
  readonly #drawn = new LRUCache<string, Mark>({ max: KEPT });
  readonly #drawing = new SingleFlight<Mark>();

  constructor(options: MarksOptions) {
    this.#options = options;
  }

  /** @throws Problem `invalid_parameter` for a mark that nobody registered, and for a text that is none */
  check(values: Transformation): void {
    const { watermarks } = this.#options;
    for (const [param, textParam] of KEYS) {
      const [name, text] = [values[param], values[textParam]];
      if (name !== undefined && !Object.hasOwn(watermarks, name)) {
        const allowed = Object.keys(watermarks).join(' ') || 'none is registered';
        const detail = `There is no watermark "${name}"; registered: ${allowed}.`;
        throw new Problem('invalid_parameter', detail, { param, received: name, allowed });
      }
      if (text !== undefined && readMarkText(text) === undefined) {
        const allowed = 'UTF-8 without control characters, in base64url';
        const detail = `"${text}" is no text: allowed is ${allowed}.`;
        throw new Problem('invalid_parameter', detail, { param: textParam, received: text, allowed });
      }
    }
  }

  /**
   * The marks of a picture.
   *
   * @param values  that were checked
   * @throws Problem `watermark_unusable`; `invalid_parameter` for a text beside a mark that takes none
   */
  async of(values: Transformation): Promise<Pick<PlanOptions, 'watermark' | 'watermark2'>> {
    const [first, second] = await Promise.all(
      KEYS.map(([param, textParam]) => this.#named(param, values[param], textParam, values[textParam])),
    );
    return { watermark: first, watermark2: second };
  }

  async #named(
    param: string,
    name: string | undefined,
    textParam: string,
    encoded: string | undefined,
  ): Promise<Uint8Array | undefined> {
    if (name === undefined) return undefined;
    const { bytes, takesText } = await this.#usable(param, name, encoded && readMarkText(encoded));
    if (encoded === undefined || takesText) return bytes;
    const detail = `The watermark "${name}" takes no text: it is no SVG with {text} in a text of its own.`;
    throw new Problem('invalid_parameter', detail, { param: textParam, received: encoded });
  }

  /** Whoever registered a mark that is not there or no picture must know; whoever asks for one can do nothing about it. */
  async #usable(param: string, name: string, text: string | undefined): Promise<Mark> {
    try {
      return await this.#once(this.#options.watermarks[name] ?? '', text);
    } catch (error) {
      if (!isProblem(error) || error.status >= 500) throw error;
      const detail = `The watermark "${name}" of this deployment cannot be read; the request is not at fault.`;
      throw new Problem('watermark_unusable', detail, { param, received: name }, error);
    }
  }

  /** Once per version and text, whatever number of sizes a page asks for. */
  async #once(id: string, text: string | undefined): Promise<Mark> {
    const { version } = await this.#options.originals.identify(id);
    const key = JSON.stringify([id, version, text]);
    const cached = this.#drawn.get(key);
    if (cached) return cached;
    const { value } = await this.#drawing.run(key, NEVER, async () => {
      const mark = await this.#draw(id, text);
      this.#drawn.set(key, mark);
      return mark;
    });
    return value;
  }

  /** To pixels that are ours: the marks that renders are handed are no originals. */
  async #draw(id: string, text: string | undefined): Promise<Mark> {
    const { originals, pool, admission, limits, drawing } = this.#options;
    const original = await originals.fetchBeside(id);
    try {
      const permit = await admission.acquire(PRICE);
      try {
        const asks = { original: original.ref, limits, side: MARK_SIDE, text };
        const { bytes, takesText } = await pool.run('mark', asks, drawing);
        return { bytes, takesText };
      } finally {
        permit.release();
      }
    } finally {
      original.release();
    }
  }
}

const NEVER = new AbortController().signal;
