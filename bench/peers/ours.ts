import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { runFolder } from '../folders.ts';
import { photographs, tinyPhotograph, WARM_UP } from '../photographs.ts';
import { type Program, startRendition } from '../program.ts';

export interface Original {
  /** Of the folder that other servers read. */
  readonly file: string;
  readonly path: string;
}

/** Photographs of the repository under names that every server takes as they are. */
export const originals = (): Original[] =>
  photographs().map(({ path }) => ({ file: path.split('/').at(-1) ?? '', path }));

/** The body of a 200. @throws Error for any other answer */
export async function ask(port: number, path: string): Promise<Buffer> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  const body = Buffer.from(await answer.arrayBuffer());
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${body.toString('utf8', 0, 300)}`);
  return body;
}

/** Rendition as `npm start` runs it, on stores of its own. */
export class Ours {
  readonly folder: string;
  readonly program: Program;
  readonly #originals: FileObjects;

  private constructor(folder: string, program: Program, originals: FileObjects) {
    this.folder = folder;
    this.program = program;
    this.#originals = originals;
  }

  static async start(env: Record<string, string> = {}): Promise<Ours> {
    const folder = runFolder();
    const originals = await FileObjects.open(join(folder, 'originals'));
    return new Ours(folder, await startRendition({ DATA_DIR: folder, ...env }), originals);
  }

  async put(id: string, original: string | Buffer): Promise<void> {
    const bytes = typeof original === 'string' ? await readFile(original) : original;
    // With a lock, its file would lie among those that the program's own are held against for a minute (ext4).
    await this.#originals.put(id, bytes, { contentType: 'image/jpeg', ifAbsent: true });
  }

  /** With a record, as only what came by the API has: what has none is never made smaller. */
  async upload(id: string, original: Buffer): Promise<void> {
    const body = new FormData();
    body.set('id', id);
    body.set('file', new Blob([new Uint8Array(original)]), id);
    const answer = await fetch(`http://127.0.0.1:${this.program.port}/api/images`, { method: 'POST', body });
    if (!answer.ok) throw new Error(`${id}: ${answer.status} ${await answer.text()}`);
  }

  get = (path: string): Promise<Buffer> => ask(this.program.port, path);

  /** As the bench of cold renders by the clock does. */
  async warmUp(): Promise<void> {
    const tiny = await tinyPhotograph();
    for (let lap = 0; lap < WARM_UP; lap++) {
      await this.put(`warm-up/${lap}`, tiny);
      await this.get(`/img/warm-up/${lap}?w=800&fmt=webp`);
    }
  }

  /** The values of all lines of the metrics that begin so, added up. */
  async metric(start: string): Promise<number> {
    const text = (await this.get('/metrics')).toString();
    return text
      .split('\n')
      .filter((line) => line.startsWith(start))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }
}
