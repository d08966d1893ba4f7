import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { putFile } from '../server/cli/put.ts';
import { OPERATIONS } from '../server/core/operations/index.ts';
import type { Operation } from '../server/core/operations/operation.ts';
import { WRITTEN, writtenMessage } from '../server/core/query/signature.ts';
import { hmacSha256 } from '../server/reading/access.ts';
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

interface Shown {
  readonly name: string;
  readonly operation: string;
  readonly query: string;
}

/** The examples of an operation that changes what is seen, the first under its own name. */
export const shownOf = ({ name, example, variations = [] }: Operation): readonly Shown[] =>
  example === undefined
    ? []
    : [example, ...variations].map((query, index) => ({
        name: index === 0 ? name : `${name}-${index + 1}`,
        operation: name,
        query,
      }));

export const SHOWN: readonly Shown[] = OPERATIONS.flatMap(shownOf);

const KEY = '00112233445566778899aabbccddeeff';

/** A text on a mark is taken from signed URLs alone. */
function signed(path: string, query: string): string {
  const whole = `${query}&kid=docs`;
  return `${path}?${whole}&sig=${WRITTEN}${hmacSha256(KEY, writtenMessage(path, whole))}`;
}

/** @throws Error for an example that is not served */
async function render(app: FastifyInstance, { name, operation, query }: Shown): Promise<Buffer> {
  const beside = new URLSearchParams(`${FORMAT}&${query}`);
  const all = [...new Map(beside)].map((pair) => pair.join('=')).join('&');
  const answer = await app.inject(signed(`/img/${sampleId(operation)}`, all));
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
 * @param every  looks at one of so many
 * @returns      paths of the stale ones, from the root
 */
export function renderSamples(check: boolean, every = 1): Promise<string[]> {
  const env = {
    WATERMARKS: 'sample=samples/transparency-demo.png;price=price-tag.svg',
    SIGNING_KEYS: `docs=${KEY}`,
  };
  return withServer(env, async (app, stores) => {
    const stale: string[] = [];
    await putFile(stores, fileURLToPath(new URL('./price-tag.svg', import.meta.url)), {
      id: 'price-tag.svg',
    });
    await mkdir(FOLDER, { recursive: true });
    for (const shown of SHOWN.filter((_shown, index) => index % every === 0)) {
      const { name } = shown;
      const file = new URL(`${name}.webp`, FOLDER);
      const bytes = await render(app, shown);
      if (await isCurrent(file, bytes)) continue;
      stale.push(`docs/samples/${name}.webp`);
      if (!check) await writeFile(file, bytes);
    }
    return stale;
  });
}
