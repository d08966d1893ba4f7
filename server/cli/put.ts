import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { openStores } from '../compose/stores.ts';
import { loadConfig } from '../config/settings.ts';
import { SNIFF_BYTES, SOURCE_FORMATS } from '../core/original/sniff.ts';
import { formatOf } from '../core/original/source.ts';
import { readId } from '../core/query/id.ts';
import { exitWithError } from '../shared/error-text.ts';
import type { Stores } from '../stores/contracts.ts';
import { sendObject } from '../warming/jobs.ts';

const USAGE = 'usage: npm run put -- FILE [ID]      for example: npm run put -- photo.jpg products/shoe.jpg';

/** A file name as an id: what an id cannot hold becomes a dash. */
function idOf(path: string): string {
  const stem = basename(path, extname(path))
    .replace(/[^A-Za-z0-9._~-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return `${stem || 'image'}${extname(path).toLowerCase()}`;
}

/**
 * Copies a file into the originals under an id; its type is told by its bytes.
 *
 * @throws Problem `unsupported_source`, `invalid_parameter` (id); the error of a file that cannot be read
 */
export async function putFile(stores: Stores, path: string, id: string): Promise<void> {
  // Of a file that is not there, openAsBlob says neither the name nor that.
  if (!(await stat(path)).isFile()) throw new Error(`${path} is no file`);
  const blob = await openAsBlob(path);
  const head = new Uint8Array(await blob.slice(0, SNIFF_BYTES).arrayBuffer());
  const contentType = SOURCE_FORMATS[formatOf(head)];
  const stored = await stores.originals.put(readId(id), blob.stream(), { contentType });
  if (!stores.originals.announces) await sendObject(stores.jobs, id, 'created', stored?.etag);
}

async function main(): Promise<void> {
  const [path, id = path === undefined ? '' : idOf(path)] = process.argv.slice(2);
  if (path === undefined || path.startsWith('-')) throw new Error(USAGE);
  const config = loadConfig(process.env);
  const stores = await openStores(config);
  try {
    await putFile(stores, path, id);
  } finally {
    stores.close();
  }
  const base = config.publicUrl ?? `http://localhost:${config.port}`;
  process.stdout.write(`${base}/img/${id}?w=800\n`);
}

if (import.meta.main) {
  main().catch(exitWithError);
}
