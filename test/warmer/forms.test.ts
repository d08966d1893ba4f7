import t, { type Test } from 'tap';
import { newUlid } from '../../server/shared/ulid.ts';
import { call, form, keysOf, noise } from '../support/api.ts';
import { startStorage, useKeys } from '../support/emulators.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { startServer } from '../support/server.ts';
import { workOff } from '../support/warmer.ts';

type Presigned = { id: string; url: string; fields: Record<string, string> };

/** What holds for the forms of a deployment, wherever its originals lie. */
async function forms(t: Test, env: Record<string, string>): Promise<void> {
  const folder = await temporaryFolder();
  const all = { ...env, DATA_DIR: folder, VISIBILITY_SECONDS: '1' };
  const server = await startServer(all);
  t.teardown(async () => {
    await server.close();
    await removeFolder(folder);
  });
  const { stores } = server;
  const [file, other] = (await Promise.all([noise(60, 40, 5), noise(50, 50, 6)])) as [Buffer, Buffer];
  const sameSize = Buffer.from(file);
  sameSize.writeUInt8(sameSize.readUInt8(700) ^ 1, 700);

  const announce = async (id: string, bytes: Buffer) =>
    (
      await call<Presigned>(server, 'POST', '/api/images/presign', {
        filename: 'a.jpg',
        contentType: 'image/jpeg',
        size: bytes.length,
        id,
        variants: ['w=9&fmt=webp'],
      })
    ).body;
  const post = async ({ url, fields }: Presigned, bytes: Buffer) => {
    const parts = [...Object.entries(fields), ['file', bytes]] as [string, string | Buffer][];
    return (await fetch(url, { method: 'POST', body: form(parts) })).status;
  };
  /** Buckets tell the queue of what was posted; the embedded store has done so. */
  const tell = ({ fields }: Presigned) => tellOf(fields['key'] ?? '');
  const tellOf = async (plain: string) => {
    const key = encodeURIComponent(plain).replaceAll('%2F', '/');
    const event = { Records: [{ eventName: 'ObjectCreated:Post', s3: { object: { key } } }] };
    if (stores.originals.announces) await stores.jobs.send([JSON.stringify(event)]);
  };
  const work = () => workOff(all);
  const image = (id: string) => call(server, 'GET', `/api/images/${id}`);

  await t.test('a finished image is not touched by its form, however often that is posted', async (t) => {
    const announced = await announce('once', file);
    t.equal(await post(announced, file), 204);
    await tell(announced);
    await work();
    const before = await image('once');
    t.match(before.body, { status: 'completed', original: { width: 60 }, variants: [{ status: 'ready' }] });
    t.equal(await post(announced, file), 204, 'the same once more is the same answer');
    await tell(announced);
    await post(announced, sameSize);
    await tell(announced);
    await work();
    t.same((await image('once')).body, before.body);
    t.equal((await stores.originals.head('once'))?.etag, before.body['version']);
    t.same(await keysOf(stores.originals), ['once'], 'and nothing lies about');
  });

  await t.test(
    'a form of before a DELETE makes no image, and does not fill a later announcement',
    async (t) => {
      const announced = await announce('gone', file);
      t.equal((await call(server, 'DELETE', '/api/images/gone')).status, 204);
      await post(announced, file);
      await tell(announced);
      await work();
      t.equal((await image('gone')).status, 404);
      const later = await announce('gone', other);
      await post(announced, file);
      await tell(announced);
      await work();
      t.match((await image('gone')).body, { status: 'uploading' });
      t.equal(await post(later, other), 204);
      await tell(later);
      await work();
      t.match((await image('gone')).body, { status: 'completed', original: { width: 50 } });
      t.same(await keysOf(stores.originals), ['gone', 'once']);
    },
  );

  await t.test('an upload whose event got lost is found when its hour is over', async (t) => {
    const announced = await announce('lost', file);
    t.equal(await post(announced, file), 204);
    const record = await stores.records.images.get('lost');
    const openUntil = new Date(Date.now() - 1000).toISOString();
    await stores.records.images.update('lost', record?.revision ?? 0, { openUntil });
    await server.composed.management?.reconciler.look('lost');
    await work();
    t.match((await image('lost')).body, { status: 'completed', title: 'a.jpg', original: { width: 60 } });
    t.same(await keysOf(stores.originals), ['gone', 'lost', 'once']);
  });

  await t.test(
    'the bytes of a replacement that is under way stay, whatever event tells of them',
    async (t) => {
      const staged = `.incoming/${newUlid(Date.now())}`;
      await stores.originals.put(staged, other, { contentType: 'image/jpeg' });
      await tellOf(staged);
      await work();
      t.same(await keysOf(stores.originals), [staged, 'gone', 'lost', 'once']);
      await stores.originals.remove([staged]);
    },
  );

  await t.test('bytes that are no image fail their record, and do not stay', async (t) => {
    const broken = file.subarray(0, 300);
    const announced = await announce('broken', broken);
    t.equal(await post(announced, broken), 204);
    await tell(announced);
    await work();
    t.match((await image('broken')).body, { status: 'failed', error: /damaged/ });
    t.same(await keysOf(stores.originals), ['gone', 'lost', 'once']);
  });
}

t.test('forms of the embedded default', (t) => forms(t, {}));

t.test('forms of S3', async (t) => {
  const storage = await startStorage();
  t.teardown(() => storage.stop());
  useKeys();
  await forms(t, {
    ORIGINALS_BUCKET: storage.originals,
    RESULTS_BUCKET: storage.results,
    S3_ENDPOINT: storage.endpoint,
  });
});
