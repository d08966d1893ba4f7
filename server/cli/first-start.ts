import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStores } from '../compose/stores.ts';
import type { Config } from '../config/settings.ts';
import { SNIFF_BYTES } from '../core/original/sniff.ts';
import { formatOf } from '../core/original/source.ts';
import { isId } from '../core/query/id.ts';
import { idInUrl } from '../core/query/path.ts';
import type { Objects } from '../stores/objects.ts';
import { signUrl } from '../writing/signing.ts';
import { putFile } from './put.ts';

const SAMPLES = fileURLToPath(new URL('../../samples', import.meta.url));
/** What is wrong with the database is said by the programs that are started, which serve pictures all the same. */
const READING = { onUnusable: () => undefined };
/** URLs that a start prints. */
const SHOWN = 6;
/** Objects that are looked at to find so many pictures. */
const LOOKED_AT = 100;

/** Puts the sample originals into an empty store, so that a first start has something to show. */
export async function putSamples(config: Config): Promise<void> {
  if (config.originalsFolder !== undefined) return;
  const stores = await openStores(config, READING);
  try {
    // A bucket that announces its objects is set up by somebody, for pictures of theirs.
    if (stores.originals.announces) return;
    const { items } = await stores.originals.list({ prefix: '', limit: 1 });
    if (items.length) return;
    const files = (await readdir(SAMPLES)).filter((name) => !name.endsWith('.md')).sort();
    for (const name of files) {
      // Of two first starts at once, each puts the same bytes.
      await putFile(stores, join(SAMPLES, name), { id: `samples/${name}`, replace: true });
    }
  } finally {
    stores.close();
  }
}

/** URLs of pictures that are there, which this configuration serves: signed, where it serves nothing else. */
export async function exampleUrls(config: Config, base: string): Promise<string[]> {
  const query = servedQuery(config);
  if (query === undefined) return [];
  const stores = await openStores(config, READING);
  try {
    const ids = await pictureIds(stores.originals);
    return ids.map((id) => base + pathOf(`${idInUrl(id)}?${query}`, config));
  } finally {
    stores.close();
  }
}

/** A query that the limits of a configuration let through; undefined when there is none. */
function servedQuery({ presetsOnly, presets, allowedWidths }: Config): string | undefined {
  if (!presetsOnly) return `w=${allowedWidths.at(-1) ?? 800}`;
  const [preset] = Object.keys(presets);
  return preset === undefined ? undefined : `p=${preset.slice(1)}`;
}

function pathOf(url: string, { signatures, signingKeys, presets }: Config): string {
  const [signer] = signatures === 'off' ? [] : Object.entries(signingKeys);
  return signer ? signUrl(url, { kid: signer[0], key: signer[1], presets }) : `/img/${url}`;
}

async function pictureIds(originals: Objects): Promise<string[]> {
  const { items } = await originals.list({ prefix: '', limit: LOOKED_AT });
  const ids: string[] = [];
  for (const { key } of items.filter((item) => isId(item.key))) {
    if (ids.length < SHOWN && (await isPicture(originals, key))) ids.push(key);
  }
  return ids;
}

async function isPicture(originals: Objects, key: string): Promise<boolean> {
  const object = await originals.get(key);
  if (!object) return false;
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of object.body) {
      pieces.push(piece);
      if (Buffer.concat(pieces).length >= SNIFF_BYTES) break;
    }
    formatOf(Buffer.concat(pieces).subarray(0, SNIFF_BYTES));
    return true;
  } catch {
    return false;
  } finally {
    object.body.destroy();
  }
}
