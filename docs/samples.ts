import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { OPERATIONS } from '../server/core/operations/index.ts';
import type { Operation } from '../server/core/operations/operation.ts';
import { differences, fingerprint } from '../test/support/fingerprint.ts';
import { withServer } from './server.ts';

const FOLDER = new URL('./samples/', import.meta.url);

/** Beside the example: the page is read over a phone line too. */
const FORMAT = 'fmt=webp&mb=8k';

/** Samples of a first start that show an operation better than the flower does. */
const ORIGINALS: Readonly<Record<string, string>> = {
  page: 'cat-trotting.gif',
  trim: 'transparency-demo.png',
};

/** Id of the original that an operation is shown on. */
export const sampleId = (name: string): string => `samples/${ORIGINALS[name] ?? 'flower-macro.jpg'}`;

/** Operations that change what is seen, each with its example. */
export const SHOWN: readonly { readonly name: string; readonly query: string }[] = OPERATIONS.flatMap(
  ({ name, example }: Operation) => (example === undefined ? [] : [{ name, query: example }]),
);

/** @throws Error for an example that is not served */
async function render(app: FastifyInstance, name: string, query: string): Promise<Buffer> {
  const beside = new URLSearchParams(`${FORMAT}&${query}`);
  const all = [...new Map(beside)].map((pair) => pair.join('=')).join('&');
  const answer = await app.inject(`/img/${sampleId(name)}?${all}`);
  if (answer.statusCode !== 200) throw new Error(`${name}: ${answer.body}`);
  return answer.rawPayload;
}

/** Whether the file shows the same picture; bytes change with every release of a codec. */
async function isCurrent(file: URL, bytes: Buffer): Promise<boolean> {
  const before = await readFile(file).catch(() => undefined);
  return (
    before !== undefined && differences(await fingerprint(before), await fingerprint(bytes)).length === 0
  );
}

/**
 * Renders every example by a real server and writes those whose picture has changed.
 *
 * @param check  only tells
 * @returns      paths of the stale ones, from the root
 */
export function renderSamples(check: boolean): Promise<string[]> {
  return withServer({ WATERMARKS: 'sample=samples/transparency-demo.png' }, async (app) => {
    const stale: string[] = [];
    await mkdir(FOLDER, { recursive: true });
    for (const { name, query } of SHOWN) {
      const file = new URL(`${name}.webp`, FOLDER);
      const bytes = await render(app, name, query);
      if (await isCurrent(file, bytes)) continue;
      stale.push(`docs/samples/${name}.webp`);
      if (!check) await writeFile(file, bytes);
    }
    return stale;
  });
}
