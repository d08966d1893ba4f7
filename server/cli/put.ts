import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { openStores } from '../compose/stores.ts';
import { loadConfig } from '../config/settings.ts';
import { SNIFF_BYTES, SOURCE_FORMATS } from '../core/original/sniff.ts';
import { formatOf } from '../core/original/source.ts';
import { readId } from '../core/query/id.ts';
import { idInUrl } from '../core/query/path.ts';
import { exitWithError } from '../shared/error-text.ts';
import { Problem } from '../shared/errors.ts';
import type { Stores } from '../stores/contracts.ts';
import { sendObject } from '../warming/jobs.ts';

const USAGE = `usage: npm run put -- FILE [ID] [--replace]
for example: npm run put -- photo.jpg products/shoe.jpg`;

/**
 * Copies a file into the originals under an id; its type is told by its bytes.
 *
 * @param id       as the bucket is to call it, not percent-encoded
 * @param replace  whether it may be put over an image that is there
 * @throws Problem `unsupported_source`, `invalid_parameter` (id), `conflict`; the error of a file that cannot be read
 */
export async function putFile(
  stores: Stores,
  path: string,
  { id, replace = false }: { id: string; replace?: boolean },
): Promise<void> {
  const { originals, jobs } = stores;
  // Of a file that is not there, openAsBlob says neither the name nor that.
  if (!(await stat(path)).isFile()) throw new Error(`${path} is no file`);
  const blob = await openAsBlob(path);
  const head = new Uint8Array(await blob.slice(0, SNIFF_BYTES).arrayBuffer());
  const contentType = SOURCE_FORMATS[formatOf(head)];
  // Not every S3-compatible store knows conditional writes.
  if (!replace && (await originals.head(readId(id)))) throw taken(id);
  const stored = await originals.put(readId(id), blob.stream(), { contentType, ifAbsent: !replace });
  if (!stored) throw taken(id);
  if (!originals.announces) await sendObject(jobs, id, 'created', stored.etag);
}

function taken(id: string): Problem {
  const detail = `There is an image "${id}" already; --replace puts the file over it.`;
  return new Problem('conflict', detail, { param: 'id', received: id });
}

async function main(): Promise<void> {
  const options = { replace: { type: 'boolean' } } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const [path, id = basename(path ?? ''), ...more] = positionals;
  if (path === undefined || more.length > 0) throw new Error(USAGE);
  const config = loadConfig(process.env);
  const stores = await openStores(config);
  try {
    await putFile(stores, path, { id, replace: values.replace ?? false });
  } finally {
    stores.close();
  }
  const base = config.publicUrl ?? `http://localhost:${config.port}`;
  process.stdout.write(`${base}/img/${idInUrl(id)}?w=800\n`);
}

if (import.meta.main) {
  main().catch(exitWithError);
}
