import { Problem } from '../shared/errors.ts';
import type { Remote } from '../shared/remote.ts';
import { addressOf, type HttpSource, type Source, sourceOf } from '../shared/sources.ts';

/** How the original of an id is had. */
export interface Way {
  readonly source: string;
  readonly url: string;
  readonly remote: Remote;
  readonly credentials: Readonly<Record<string, string>> | undefined;
}

export interface SourcesOptions {
  readonly sources: readonly Source[];
  /** By name of the source. */
  readonly headers: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly remoteOf: (source: HttpSource) => Remote;
}

/** Sources of originals by the first segment of their ids. */
export class Sources {
  readonly #options: SourcesOptions;
  readonly #remotes: ReadonlyMap<string, Remote>;

  constructor(options: SourcesOptions) {
    this.#options = options;
    const { sources, remoteOf } = options;
    this.#remotes = new Map(
      sources.flatMap((source) => (source.kind === 'http' ? [[source.name, remoteOf(source)]] : [])),
    );
  }

  /** Whether an id belongs to a source. */
  has(id: string): boolean {
    return sourceOf(id, this.#options.sources) !== undefined;
  }

  /** Whether its original is read from a bucket of others. */
  isInPlace(id: string): boolean {
    return sourceOf(id, this.#options.sources)?.source.kind === 's3';
  }

  /** Undefined for an id of no source, and of one that is read in place. */
  wayTo(id: string): Way | undefined {
    const found = sourceOf(id, this.#options.sources);
    if (found?.source.kind !== 'http') return undefined;
    const { name } = found.source;
    const remote = this.#remotes.get(name);
    const url = addressOf(found.source, found.rest);
    return remote && { source: name, url, remote, credentials: this.#options.headers[name] };
  }

  /**
   * What others call so would come in the place of what is uploaded, or never be seen.
   *
   * @throws Problem `conflict` for an id that belongs to a source
   */
  refuseUpload(id: string): void {
    const found = sourceOf(id, this.#options.sources);
    if (!found) return;
    const detail = `Ids that begin with "${found.source.name}/" are those of a source: nothing is uploaded there.`;
    throw new Problem('conflict', detail, { param: 'id', received: id, hint: 'SOURCES names the sources.' });
  }
}
