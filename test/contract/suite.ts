import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';

/** Cases that a backend is known to get wrong, by name, with the reason that is printed. */
export type Gaps = Readonly<Record<string, string>>;

export type Case = (name: string, body: (t: Test) => Promise<void>) => void;

/**
 * Runs `define` as one subtest. A case named in `gaps` is skipped with its reason; a gap that names no case
 * fails, so that the table cannot outlive what it excuses.
 *
 * @param atOnce  cases that may run at a time
 */
export function suite(
  t: Test,
  title: string,
  { gaps, atOnce }: { gaps: Gaps; atOnce: number },
  define: (it: Case) => void,
): Promise<unknown> {
  return t.test(title, async (t) => {
    t.jobs = atOnce;
    const names = new Set<string>();
    define((name, body) => {
      names.add(name);
      const skip = gaps[name];
      t.test(name, skip === undefined ? { buffered: true } : { skip }, body);
    });
    const stale = Object.keys(gaps).filter((name) => !names.has(name));
    t.same(stale, [], 'every gap names a case');
  });
}

/** What `promise` rejects with; fails when it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('expected a value');
  return value;
}

export const png = { contentType: 'image/png' };

/** A new image, uploaded at `createdAt`. */
export function newImage(id: string = randomUUID(), createdAt = new Date().toISOString()) {
  return { id, status: 'uploaded', createdAt, version: 'v1' } as const;
}

/** A body of unknown length. */
export async function* pieces(parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

export async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Runs `work` for each item, eight at a time. */
export async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values();
  const lanes = Array.from({ length: 8 }, async () => {
    for (const item of rest) await work(item);
  });
  await Promise.all(lanes);
}
