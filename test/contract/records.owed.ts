import { randomUUID } from 'node:crypto';
import type { ImageRecord } from '../../server/stores/images.ts';
import type { Records } from '../../server/stores/stores.ts';
import { type Case, newImage, present } from './suite.ts';

/** What images owe, and tombstones. */
export function owedCases(it: Case, records: Records): void {
  const { images, variants, collections } = records;
  const grave = { token: 'a', delete: 'all' } as const;
  const created = async (more: Partial<ImageRecord> = {}) => {
    const image = { ...newImage(), ...more };
    await images.create(image);
    return present(await images.get(image.id));
  };
  const stalled = async (id: string, beforeMs = 60_000, aheadMs = 3_600_000): Promise<number> => {
    let found = 0;
    const [before, ahead] = [new Date(Date.now() + beforeMs), new Date(Date.now() + aheadMs)];
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await images.stalled({
        before,
        ahead,
        limit: 50,
        ...(cursor !== undefined && { cursor }),
      });
      found += page.items.filter((item) => item.id === id).length;
      cursor = page.next;
    }
    return found;
  };
  const listed = async (id: string, query: { status?: ImageRecord['status'] } = {}): Promise<number> => {
    let found = 0;
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await images.list({ limit: 100, ...query, ...(cursor !== undefined && { cursor }) });
      found += page.items.filter((item) => item.id === id).length;
      cursor = page.next;
    }
    return found;
  };

  it('an image that owes something is stalled whatever its status, once, until it owes nothing', async (t) => {
    const owed = { token: 'a', purge: true, rewarm: 'all', warm: ['w=1', 'w=2'], notify: true } as const;
    for (const status of ['completed', 'processing', 'failed'] as const) {
      const { id } = await created({ status });
      const owing = present(await images.update(id, 1, { owed: { ...owed, warm: [...owed.warm] } }));
      t.same(owing.owed, owed);
      t.equal(owing.status, status);
      t.equal(await stalled(id), 1, status);
      t.equal(await stalled(id, -60_000), 0, 'not what was written of late');
      t.equal(await listed(id), 1, 'and in the list all the same');
      t.equal(await listed(id, { status }), 1, `and among the ${status}`);
      const done = present(await images.update(id, 2, { owed: undefined, status: 'completed' }));
      t.notOk('owed' in done);
      t.equal(await stalled(id), 0);
      t.equal(await listed(id, { status: 'completed' }), 1);
    }
  });

  it('an image that is made owing is stalled, but not while its bytes are awaited', async (t) => {
    const owed = { token: 'a', warm: ['w=1'] };
    const { id } = await created({ status: 'completed', owed });
    t.equal(await stalled(id), 1);
    const openUntil = new Date(Date.now() + 600_000).toISOString();
    const upload = await created({ status: 'uploading', owed, openUntil });
    t.equal(await stalled(upload.id), 0);
    t.same(present(await images.update(upload.id, 1, { openUntil: undefined })).owed, owed);
    t.equal(await stalled(upload.id), 1);
  });

  it('an image that is to be fetched is stalled while its first bytes are awaited, and keeps where they are', async (t) => {
    const source = { url: 'https://example.com/a b.jpg?x=1', tries: 1, notBefore: new Date().toISOString() };
    const owed = { token: 'a', fetch: { collection: 'c' }, warm: [] };
    const { id } = await created({ status: 'uploading', source, owed });
    t.match(await images.get(id), { status: 'uploading', source, owed });
    t.equal(await stalled(id), 1, 'nobody waits for it but the sweep');
    const known = {
      url: source.url,
      etag: 'W/"é"',
      lastModified: 'x',
      version: 'v',
      checkedAt: source.notBefore,
    };
    const done = present(await images.update(id, 1, { status: 'completed', source: known, owed: undefined }));
    t.same(done.source, known, 'what is not said any more is gone');
    t.same(present(await images.get(id)).source, known);
    t.equal(await stalled(id), 0);
    const again = present(await images.update(id, 2, { owed: { token: 'b', fetch: {} } }));
    t.same(again.owed, { token: 'b', fetch: {} });
    t.equal(await stalled(id), 1);
    t.notOk('source' in present(await images.update(id, 3, { source: undefined })));
  });

  it('what is said to be written later than anybody can have written it is stalled', async (t) => {
    const openUntil = new Date(Date.now() + 600_000).toISOString();
    for (const more of [
      { status: 'uploading', openUntil },
      { status: 'processing' },
      { status: 'completed', owed: { token: 'a', purge: true } },
    ] as const) {
      const { id } = await created(more);
      t.equal(await stalled(id, -60_000), 0, more.status);
      t.equal(await stalled(id, -60_000, -60_000), 1, `${more.status}, later than that`);
    }
    const { id } = await created({ status: 'completed' });
    t.equal(await stalled(id, -60_000, -60_000), 0, 'but not what owes nothing');
  });

  it('a tombstone is seen by nobody but the sweep and whoever asks for it', async (t) => {
    const { id } = await created({ status: 'completed' });
    await variants.queue(id, 'v1', ['w=1']);
    t.equal(await images.bury(id, grave, { createdAt: '', revision: 1 }), undefined);
    const buried = present(await images.bury(id, grave));
    t.match(buried, { id, revision: 2, owed: grave });
    t.same(await images.tombstone(id), buried);
    t.same(await images.bury(id, { ...grave, token: 'b' }), buried, 'it is buried once');
    t.equal(await images.get(id), undefined);
    t.equal(await listed(id), 0);
    t.equal(await listed(id, { status: 'completed' }), 0);
    t.equal(await stalled(id), 1);
    t.same(await variants.list(id), []);
    t.same(await variants.queue(id, 'v1', ['w=2']), []);
    t.equal(await images.create(newImage(id)), false, 'the id is taken until it is gone');
    t.equal(await images.remove(id, { ...buried, revision: 1 }), undefined);
    t.match(await images.remove(id, buried), { id });
    t.equal(await images.tombstone(id), undefined);
    t.equal(await stalled(id), 0);
    t.equal(await images.create(newImage(id)), true);
    t.same(await variants.list(id), []);
    t.equal(await images.tombstone(id), undefined, 'an image is none');
    t.equal(await images.bury(randomUUID(), grave), undefined);
  });

  it('a tombstone of an announced upload does not wait for its form', async (t) => {
    const openUntil = new Date(Date.now() + 600_000).toISOString();
    const { id } = await created({ status: 'uploading', openUntil });
    await images.bury(id, grave);
    t.equal(await stalled(id), 1);
  });

  it('a tombstone has left its collection, whose count says so', async (t) => {
    const collection = randomUUID();
    await collections.create({ id: collection, name: 'x', createdAt: new Date().toISOString() });
    const [gone, stays] = [await created(), await created()];
    await collections.relate(collection, [gone.id, stays.id]);
    t.notOk('collection' in present(await images.bury(gone.id, grave)));
    t.match(await collections.get(collection), { count: 1 });
    const page = await images.list({ collection, limit: 10 });
    t.same(
      page.items.map(({ id }) => id),
      [stays.id],
    );
    t.same(await collections.relate(collection, [gone.id]), { refused: 'image_absent', ids: [gone.id] });
    t.ok(await images.remove(gone.id));
    t.match(await collections.get(collection), { count: 1 });
  });

  it('of 10 who write and one who buries at once, nothing is written to a tombstone unseen', async (t) => {
    const { id } = await created();
    const writers = Array.from({ length: 10 }, async (_, n) => {
      const record = await images.get(id);
      return record && images.update(id, record.revision, { title: `${n}` });
    });
    const [buried] = await Promise.all([images.bury(id, grave), ...writers]);
    t.same(await images.tombstone(id), buried);
  });
}
