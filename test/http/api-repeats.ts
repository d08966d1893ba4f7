import { hash, randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { updateWithRetry } from '../../server/stores/update-record.ts';
import { call, form, noise, type UploadAnswer } from '../support/api.ts';
import type { TestServer } from '../support/server.ts';

const VARIANTS = JSON.stringify(['w=20&fmt=webp']);
type Parts = Parameters<typeof form>[0];

/** Uploads that are sent again under their id: the same is the same answer, any other is a conflict. */
export async function repeats(t: Test, server: TestServer): Promise<void> {
  const { records, originals } = server.stores;
  const file = await noise(60, 40, 21);
  const post = (parts: Parts) => call<UploadAnswer>(server, 'POST', '/api/images', form(parts));
  const past = () => new Date(Date.now() - 1000).toISOString();
  const { body } = await call<{ id: string }>(server, 'POST', '/api/collections', { name: 'repeats' });
  const collection = body.id;
  const parts = (id: string, more: Parts = []): Parts => [
    ...([['id', id], ['title', 'same'], ['variants', VARIANTS], ...more] as Parts),
    ['file', file],
  ];

  await t.test('the same id, bytes and fields are the same answer, wherever the id stands', async (t) => {
    const id = `repeats/${randomUUID()}`;
    const first = await post(parts(id, [['collection', collection]]));
    t.equal(first.status, 202);
    const before = await records.images.get(id);
    const put = originals.put;
    originals.put = () => Promise.reject(new Error('stored again'));
    t.teardown(() => {
      originals.put = put;
    });
    const again = await post(parts(id, [['collection', collection]]));
    t.match(again, {
      status: 202,
      body: { id, title: 'same', variants: first.body.variants.map(({ variant }) => ({ variant })) },
    });
    t.equal(again.headers.get('location'), first.headers.get('location'));
    originals.put = put;
    const late = await post([['file', file], ...parts(id, [['collection', collection]]).slice(0, -1)]);
    t.match(late, { status: 202, body: { id } }, 'told after the file');
    const after = await records.images.get(id);
    t.equal(after?.version, before?.version);
    t.equal(after?.generation, before?.generation);
    const { items } = await originals.list({ prefix: '', limit: 1000 });
    t.equal(
      items.filter(({ etag }) => etag === before?.version).length,
      1,
      'what went before its id has gone',
    );
  });

  await t.test('the digest of what was uploaded lies with it, and its record is asked first', async (t) => {
    const id = `repeats/${randomUUID()}`;
    await post(parts(id));
    const noted = (await originals.head(id))?.metadata['rendition-sha256'];
    t.equal(noted, hash('sha256', file, 'hex'));
    await updateWithRetry(records, id, () => ({ digest: undefined }));
    const get = originals.get;
    originals.get = () => Promise.reject(new Error('read to be compared'));
    t.teardown(() => {
      originals.get = get;
    });
    t.equal((await post(parts(id))).status, 202);
    t.equal((await post([...parts(id).slice(0, -1), ['file', await noise(60, 40, 22)]])).status, 409);
    originals.get = get;
    await records.images.remove(id);
    await server.composed.management?.reconciler.reconcile(id);
    t.equal((await records.images.get(id))?.digest, noted, 'who lost the record has it from there');
  });

  await t.test('other fields or other bytes are a conflict, and change nothing', async (t) => {
    const id = `repeats/${randomUUID()}`;
    await post(parts(id));
    const before = await records.images.get(id);
    const flipped = Buffer.from(file);
    flipped.writeUInt8(flipped.readUInt8(700) ^ 1, 700);
    const others: Record<string, Parts> = {
      title: [
        ['id', id],
        ['title', 'other'],
        ['file', file],
      ],
      'no title': [
        ['id', id],
        ['file', file],
      ],
      description: parts(id, [['description', 'other']]),
      collection: parts(id, [['collection', collection]]),
      variants: [
        ['id', id],
        ['title', 'same'],
        ['variants', '["w=21&fmt=webp"]'],
        ['file', file],
      ],
      'a bit': [...parts(id).slice(0, -1), ['file', flipped]],
      'a byte less': [...parts(id).slice(0, -1), ['file', file.subarray(0, -1)]],
      'bytes behind it': [...parts(id).slice(0, -1), ['file', Buffer.concat([file, Buffer.alloc(9)])]],
      'another picture': [...parts(id).slice(0, -1), ['file', await noise(61, 40)]],
    };
    for (const [name, other] of Object.entries(others))
      t.match(await post(other), { status: 409, body: { code: 'conflict' } }, name);
    const { updatedAt: _was, revision: _count, ...rest } = before ?? {};
    t.match(await records.images.get(id), { ...rest, status: String });
  });

  await t.test('what a server that died has begun is ended by the same upload once more', async (t) => {
    for (const isStored of [false, true]) {
      const id = `repeats/${randomUUID()}`;
      const createdAt = new Date().toISOString();
      const claim = { claim: 'of a dead server', openUntil: past(), createdAt };
      await records.images.create({ id, status: 'uploading', ...claim });
      if (isStored) await originals.put(id, file, { contentType: 'image/jpeg' });
      const answer = await post(parts(id, [['collection', collection]]));
      t.match(
        answer,
        { status: 202, body: { id, title: 'same', variants: [{ status: 'queued' }] } },
        `${isStored}`,
      );
      const record = await records.images.get(id);
      t.match(record, { title: 'same', collection, status: 'processing' });
      t.notOk(record?.claim);
    }
  });

  await t.test('while an upload is under way the same one is told when to come again', async (t) => {
    const id = `repeats/${randomUUID()}`;
    const openUntil = new Date(Date.now() + 60_000).toISOString();
    const createdAt = new Date().toISOString();
    await records.images.create({ id, status: 'uploading', claim: 'of another', openUntil, createdAt });
    const answer = await post(parts(id));
    t.match(answer, { status: 409, body: { code: 'conflict' } });
    t.ok(Number(answer.headers.get('retry-after')) > 0);
    await call(server, 'DELETE', `/api/images/${encodeURIComponent(id)}`);
    t.match(await post(parts(id)), { status: 202 }, 'a DELETE releases it');
  });

  await t.test('an object that others put is known by its bytes', async (t) => {
    const id = `repeats/${randomUUID()}`;
    await originals.put(id, file, { contentType: 'image/jpeg' });
    const other = await noise(60, 40, 22);
    t.match(
      await post([
        ['id', id],
        ['file', other],
      ]),
      { status: 409 },
    );
    t.match(
      await post([
        ['id', id],
        ['file', file],
      ]),
      { status: 202 },
    );
  });
}
