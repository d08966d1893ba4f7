/**
 * Claims keys by `ifAbsent` beside others of its kind, and counts with them under a further one by `ifMatch`. Prints what
 * it found wrong, and how far it counted.
 */
import { closeSync, openSync, truncateSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FileObjects } from '../../server/stores/files/objects.ts';

const [, , folder = '', witnesses = '', claims = ''] = process.argv;
const objects = await FileObjects.open(folder, { isCache: true });
const png = { contentType: 'image/png' };
const wrong: string[] = [];
let counted = 0;

/** A file of the system's own, which one alone can make. */
function isAlone(witness: string): boolean {
  try {
    closeSync(openSync(witness, 'wx'));
    return true;
  } catch {
    return false;
  }
}

/** Whether the key was free. Its object goes by a removal, or as a failing disk would take it. */
async function claim(key: string, turn: number): Promise<boolean> {
  const text = `${process.pid} ${turn}`;
  const first = await objects.put(key, Buffer.from(text), { ...png, ifAbsent: true });
  if (!first) return false;
  const witness = join(witnesses, key.replaceAll('/', '-'));
  if (!isAlone(witness)) wrong.push(`${key} was claimed twice`);
  if (String(await (await objects.get(key))?.bytes()) !== text) wrong.push(`${key} was overwritten`);
  const second = await objects.put(key, Buffer.from(`${text}.`), { ...png, ifMatch: first.etag });
  if (!second || (await objects.head(key))?.etag !== second.etag) wrong.push(`${key} was taken away`);
  unlinkSync(witness);
  if (turn % 4 === 0) truncateSync(objects.fileOf(key), 9);
  else await objects.remove([key]);
  return true;
}

async function count(): Promise<void> {
  const before = await objects.head('count');
  const n = Number(before?.metadata['n'] ?? 0) + 1;
  const condition = before ? { ifMatch: before.etag } : { ifAbsent: true };
  const object = { ...png, metadata: { n: `${n}` }, ...condition };
  if (await objects.put('count', Buffer.from(`${n} ${process.pid}`), object)) counted += 1;
}

for (let turn = 0, made = 0; made < Number(claims); turn++) {
  if (await claim(turn % 2 ? 'a/b/key' : 'a/key', turn)) made += 1;
  await count();
}
process.stdout.write(JSON.stringify({ wrong, counted }));
