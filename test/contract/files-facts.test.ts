import { deepStrictEqual } from 'node:assert/strict';
import { copyFile, mkdtemp, open, rename, stat, truncate, unlink, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { removeFolder } from '../support/folders.ts';
import { alwaysAsync } from '../support/property.ts';
import { png } from './suite.ts';

const folder = await mkdtemp(join(tmpdir(), 'rendition-'));
t.teardown(() => removeFolder(folder));

/** Of one length, and so are their trailers. */
const BODIES = ['first', 'other', 'third'].map((text) => Buffer.from(text));
const KEYS = ['a', 'b'] as const;
/** Long before any test, in s; each one once. */
let past = 1_700_000_000;

interface Stage {
  readonly writer: FileObjects;
  readonly path: string;
  readonly key: string;
  readonly body: Buffer;
}

/** What may happen to a file under the eyes of somebody who has read it before. */
const DEEDS = {
  put: ({ writer, key, body }: Stage) => writer.put(key, body, png),
  putAbsent: ({ writer, key, body }: Stage) => writer.put(key, body, { ...png, ifAbsent: true }),
  remove: ({ writer, key }: Stage) => writer.remove([key]),
  /** From now on it is old enough to be remembered. */
  age: ({ path }: Stage) => utimes(path, ++past, past),
  /** As a restore does: another file, with the size and the time of the first. */
  restore: async ({ writer, path, key, body }: Stage) => {
    const { atime, mtime } = await stat(path);
    await copyFile(path, `${path}~`);
    await writer.put(key, body, png);
    await utimes(path, atime, mtime);
    await unlink(`${path}~`);
  },
  /** One byte of its facts, in place. */
  damage: async ({ path }: Stage) => {
    const file = await open(path, 'r+');
    await file.write(Buffer.from('?'), 0, 1, 12);
    await file.close();
  },
  /** By a tool that keeps times. */
  cut: async ({ path }: Stage) => {
    const { atime, mtime, size } = await stat(path);
    await truncate(path, size - 1);
    await utimes(path, atime, mtime);
  },
  /** The file of another key. */
  mistake: async ({ path }: Stage) => {
    const from = path.replace(/[ab]$/, (name) => (name === 'a' ? 'b' : 'a'));
    await copyFile(from, `${path}~`);
    await rename(`${path}~`, path);
  },
};

const told = async (objects: FileObjects, key: string, scratch: string) => {
  const linked = await objects.link(key, scratch);
  if (linked) await unlink(scratch);
  const { etag, size, lastModified, crc32 } = (await objects.head(key)) ?? {};
  const head = etag === undefined ? undefined : { key, etag, size, lastModified, crc32 };
  const whole = objects.getAtOnce(key);
  return { head, linked, etagAtOnce: whole?.facts.etag, body: whole?.bytes.toString() };
};

t.test('whoever has read a file before is told the same of it as who reads it first', async (t) => {
  let run = 0;
  const deed = fc.record({
    what: fc.constantFrom(...(Object.keys(DEEDS) as (keyof typeof DEEDS)[])),
    key: fc.constantFrom(...KEYS),
    body: fc.constantFrom(...BODIES),
    isOther: fc.boolean(),
  });
  await alwaysAsync(
    t,
    fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 12 }), async (deeds) => {
      const root = join(folder, `run-${run++}`);
      const scratch = join(folder, 'link');
      const [one, two] = [await FileObjects.open(root), await FileObjects.open(root)];
      for (const { what, key, body, isOther } of deeds) {
        const path = one.fileOf(key);
        // What has nothing to happen to is left out.
        await DEEDS[what]({ writer: isOther ? two : one, path, key, body }).catch((error: unknown) => {
          if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
        });
        const fresh = await FileObjects.open(root);
        for (const each of KEYS)
          for (const reader of [one, two])
            deepStrictEqual(await told(reader, each, scratch), await told(fresh, each, scratch), what);
      }
    }),
  );
});

t.test('of a file that has not changed for a moment, facts are read once', async (t) => {
  const root = join(folder, 'once');
  const objects = await FileObjects.open(root);
  await objects.put('a', Buffer.from('first'), png);
  await utimes(objects.fileOf('a'), past, past);
  const first = await objects.head('a');
  t.equal(await objects.head('a'), first);
  t.equal(objects.getAtOnce('a')?.facts, first);
  await objects.put('a', Buffer.from('other'), png);
  const second = await objects.head('a');
  t.not(second, first);
  t.not(second?.etag, first?.etag);
  const future = Date.now() / 1000 + 3600;
  await utimes(objects.fileOf('a'), future, future);
  t.not(await objects.head('a'), await objects.head('a'), 'what was written just now is read again');
});
