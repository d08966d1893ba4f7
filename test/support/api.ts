import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import sharp from 'sharp';
import type { Objects } from '../../server/stores/objects.ts';
import type { TestServer } from './server.ts';

export interface UploadAnswer {
  id: string;
  status: string;
  title: string | null;
  description: string | null;
  url: string;
  statusUrl: string;
  variants: { variant: string; url: string; status: string }[];
}

/** An upload as a client sends it: fields and files in the order in which they are written. */
export function form(parts: ReadonlyArray<readonly [name: string, value: string | Uint8Array]>): FormData {
  const data = new FormData();
  for (const [name, value] of parts) {
    if (typeof value === 'string') data.append(name, value);
    else data.append(name, new Blob([new Uint8Array(value)]), `${name}.jpg`);
  }
  return data;
}

/** A JSON answer; the status is part of what is expected. */
export async function call<T = Record<string, unknown>>(
  server: Pick<TestServer, 'base'>,
  method: string,
  path: string,
  body?: FormData | object,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: T; headers: Headers }> {
  const isForm = body instanceof FormData;
  const response = await fetch(server.base + path, {
    method,
    headers: { ...headers, ...(body && !isForm ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: isForm ? body : JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text ? JSON.parse(text) : {}) as T };
}

/** A photograph of noise, which no two seeds share; bytes of a hash, since a loop over pixels took a tenth of some runs. */
export async function noise(width: number, height: number, seed = 1): Promise<Buffer> {
  const data = createHash('shake256', { outputLength: width * height * 3 })
    .update(`${seed}`)
    .digest();
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg()
    .toBuffer();
}

export async function keysOf(objects: Objects): Promise<string[]> {
  return (await objects.list({ prefix: '', limit: 1000 })).items.map(({ key }) => key);
}

/** Everything that a data folder holds beside its own furniture: files by name, rows by table. */
export async function holdings(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const furniture = /(rendition\.sqlite(-shm|-wal)?|upload\.secret|server\.address)$/;
  const files = entries
    .filter((entry) => entry.isFile() && !furniture.test(entry.name))
    .map((entry) => `${entry.parentPath}/${entry.name}`);
  const db = new DatabaseSync(`${folder}/rendition.sqlite`, { readOnly: true });
  const rows = ['images', 'variants', 'collections', 'jobs'].flatMap((table) =>
    db
      .prepare(`SELECT * FROM ${table}`)
      .all()
      .map((row) => `${table}: ${JSON.stringify(row)}`),
  );
  db.close();
  return [...files, ...rows];
}

/** Plays the warmer for one image: every queued variant becomes ready. */
export async function playWarmer({ stores }: TestServer, id: string): Promise<void> {
  const { records } = stores;
  for (const { variant, version } of await records.variants.list(id)) {
    await records.variants.update(id, variant, version, ['queued'], { status: 'rendering', attempt: true });
    await records.variants.update(id, variant, version, ['rendering'], { status: 'ready', bytes: 1, ms: 1 });
  }
  const record = await records.images.get(id);
  if (record) await records.images.update(id, record.revision, { status: 'completed' });
}

/** Takes every message off the queue. */
export async function jobsOf({ stores }: TestServer): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (;;) {
    const jobs = await stores.jobs.receive({ max: 10, waitSeconds: 0, visibilitySeconds: 30 });
    if (jobs.length === 0) return found;
    for (const { body, receipt } of jobs) {
      found.push(JSON.parse(body));
      await stores.jobs.remove(receipt);
    }
  }
}
