import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Management } from '../../server/writing/management.ts';
import { call, form, jobsOf, noise, playWarmer, type UploadAnswer } from '../support/api.ts';
import type { TestServer } from '../support/server.ts';

/** What must hold over any stores when two want something of one id at once. */
export async function races(t: Test, server: TestServer): Promise<void> {
  const { management } = server.composed;
  if (!management) throw new Error('no management');
  await events(t, server, management);
  await uploadsOfOneId(t, server, management);
  await replacements(t, server, management);
}

async function* source(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

const pathOf = (id: string) => `/api/images/${encodeURIComponent(id)}`;

const put = (server: TestServer, id: string, bytes: Uint8Array) =>
  call<UploadAnswer>(server, 'PUT', `${pathOf(id)}/original`, form([['file', bytes]]));

/** An upload by HTTP whose second half is sent when `goOn` is called. */
async function slowUpload(server: TestServer, id: string, file: Uint8Array) {
  const whole = new Response(
    form([
      ['id', id],
      ['title', 'Slow'],
      ['file', file],
    ]),
  );
  const bytes = new Uint8Array(await whole.arrayBuffer());
  const admission = Promise.withResolvers<void>();
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(bytes.subarray(0, bytes.length / 2));
      await admission.promise;
      controller.enqueue(bytes.subarray(bytes.length / 2));
      controller.close();
    },
  });
  const headers = { 'content-type': whole.headers.get('content-type') ?? '' };
  const init: RequestInit = { method: 'POST', body, headers, duplex: 'half' };
  const status = fetch(`${server.base}/api/images`, init).then(async (response) => {
    await response.arrayBuffer();
    return response.status;
  });
  while (!(await server.stores.records.images.get(id))) await sleep(5);
  return { status, goOn: admission.resolve };
}

/** Whether somebody holds the id for an upload. */
async function isHeld({ stores: { records } }: TestServer, id: string): Promise<boolean> {
  return (await records.images.get(id))?.claim !== undefined;
}

async function uploadsOfOneId(t: Test, server: TestServer, management: Management): Promise<void> {
  const large = await noise(900, 700, 3);
  const small = await noise(60, 40);

  await t.test('what is still being uploaded is not replaced, and comes to its end', async (t) => {
    const id = 'race/replaced.jpg';
    const { status, goOn } = await slowUpload(server, id, large);
    t.match(await put(server, id, small), { status: 409, body: { code: 'conflict', detail: /not arrived/ } });
    goOn();
    t.equal(await status, 202);
    t.match((await call(server, 'GET', pathOf(id))).body, { title: 'Slow', original: { width: 900 } });
  });

  await t.test('an id that is taken is told before the file is read', async (t) => {
    const id = 'race/taken.jpg';
    const { status, goOn } = await slowUpload(server, id, large);
    const second = await slowUpload(server, id, large);
    t.equal(await second.status, 409, 'while half of it has not been sent');
    second.goOn();
    goOn();
    t.equal(await status, 202);
  });

  await t.test('of two uploads with one id the second leaves it to the first', async (t) => {
    const id = 'race/twice.jpg';
    const { uploads } = management;
    let first: ReturnType<typeof uploads.accept> | undefined;
    afterLook(server, async () => {
      first = uploads.accept(source(large), id);
      while (!(await server.stores.records.images.get(id))) await sleep(1);
    });
    await t.rejects(uploads.accept(source(small), id), { code: 'conflict' });
    t.ok(await isHeld(server, id));
    if (first) await uploads.finish(await first, {});
    t.notOk(await isHeld(server, id));
  });

  await t.test('an object that others put during an upload is not lost with it', async (t) => {
    const id = 'race/foreign.jpg';
    const { status, goOn } = await slowUpload(server, id, large);
    await server.put(id, small);
    await management.reconciler.reconcile(id);
    goOn();
    // Where conditional writes are not known, the upload is the later one, and stays.
    const width = (await status) === 409 ? 60 : 900;
    t.match((await call(server, 'GET', pathOf(id))).body, { original: { width } });
    const facts = await server.stores.originals.head(id);
    t.equal((await server.stores.records.images.get(id))?.version, facts?.etag);
  });

  await t.test('an object that others put over an upload before anyone was told of it', async (t) => {
    const id = 'race/over.jpg';
    const { uploads, reconciler } = management;
    const accepted = await uploads.accept(source(large), id);
    await server.put(id, small);
    await reconciler.reconcile(id);
    await uploads.finish(accepted, { title: 'Mine' });
    t.match((await call(server, 'GET', pathOf(id))).body, { title: 'Mine', original: { width: 60 } });
    const late = await uploads.accept(source(large), `${id}.2`);
    await server.put(`${id}.2`, small);
    await uploads.discard(late);
    t.match((await call(server, 'GET', pathOf(`${id}.2`))).body, { title: null, original: { width: 60 } });
  });
}

async function replacements(t: Test, server: TestServer, management: Management): Promise<void> {
  const { originals, records } = server.stores;
  const small = await noise(60, 40);
  const variants = ['w=9&fmt=png', 'w=8&fmt=png'];
  const upload = async (id: string, file: Uint8Array) => {
    await management.uploads.finish(await management.uploads.accept(source(file), id), { variants });
    await playWarmer(server, id);
    await jobsOf(server);
  };

  await t.test('of several replacements at once one stays, in the record as in the bucket', async (t) => {
    const files = await Promise.all([1, 2, 3].map((n) => noise(50 * n, 50, n)));
    const ids = Array.from({ length: 8 }, (_, n) => `race/at-once-${n}.jpg`);
    for (const id of ids) {
      await upload(id, await noise(30, 30, 9));
      const answers = await Promise.all(files.map((file) => put(server, id, file)));
      t.same(
        answers.map(({ status }) => status),
        [202, 202, 202],
      );
      const record = await records.images.get(id);
      const object = await originals.head(id);
      t.equal(record?.version, object?.etag);
      t.equal(record?.original?.bytes, object?.size);
      const open = await records.variants.list(id);
      t.ok(open.every(({ status, version }) => status === 'queued' && version === record?.version));
    }
  });

  await t.test('a purge that is late queues again what it took along', async (t) => {
    const id = 'race/late-purge.jpg';
    await upload(id, await noise(30, 30, 9));
    const { results } = server.stores;
    const removeAll = results.removeAll.bind(results);
    const acts = [
      () => put(server, id, small),
      () => call(server, 'POST', `${pathOf(id)}/purge?warm=true`),
      () => call(server, 'PATCH', pathOf(id), { focal: { x: 0, y: 0 } }),
    ];
    for (const act of acts) {
      results.removeAll = async (...given) => {
        results.removeAll = removeAll;
        await put(server, id, await noise(40, 30, 2));
        await playWarmer(server, id);
        await jobsOf(server);
        return removeAll(...given);
      };
      t.ok((await act()).status < 300);
      const open = await records.variants.list(id);
      t.same(
        open.map(({ status }) => status),
        ['queued', 'queued'],
      );
      t.match(await records.images.get(id), { status: 'processing' });
      const job = { version: open[0]?.version, variants: open.map(({ variant }) => variant) };
      t.match(await jobsOf(server), [job]);
    }
  });

  await t.test(
    'the event of a replacement that is faster than the replacement does its work once',
    async (t) => {
      const id = 'race/event.jpg';
      await upload(id, await noise(30, 30, 9));
      const write = originals.put.bind(originals);
      originals.put = async (key, ...given) => {
        const stored = await write(key, ...given);
        if (key === id) await management.reconciler.reconcile(id);
        return stored;
      };
      t.match(await put(server, id, small), { status: 202, body: { variants: [{ status: 'queued' }, {}] } });
      originals.put = write;
      t.notOk((await records.images.get(id))?.generation);
      t.equal((await jobsOf(server)).length, 1);
      await playWarmer(server, id);
      t.match(await put(server, id, small), { status: 202 });
      t.match(await records.images.get(id), { generation: 1 }, 'the same bytes again are another version');
    },
  );
}

/** Does `act` once, between the next look at a record and what comes of it. */
function afterLook({ stores: { records } }: TestServer, act: () => Promise<void>): void {
  const image = records.images.get.bind(records.images);
  records.images.get = async (id) => {
    records.images.get = image;
    const record = await image(id);
    await act();
    return record;
  };
}

async function events(t: Test, server: TestServer, management: Management): Promise<void> {
  const { reconciler, library, uploads } = management;
  const { originals, records } = server.stores;
  for (const isKnown of [false, true]) {
    const id = `late-event/${isKnown}.jpg`;
    await t.test(`a late removal event leaves a new upload of the id alone, ${isKnown}`, async (t) => {
      const file = await noise(60, 40);
      if (isKnown) {
        await server.put(id, await noise(30, 30));
        await reconciler.reconcile(id);
        await originals.remove([id]);
      }
      let accepted: ReturnType<typeof uploads.accept> | undefined;
      afterLook(server, async () => {
        await library.remove(id);
        accepted = uploads.accept(source(file), id);
        while (!(await records.images.get(id))) await sleep(1);
      });
      await reconciler.reconcile(id);
      if (accepted) await uploads.finish(await accepted, { title: 'New' });
      const { body } = await call(server, 'GET', pathOf(id));
      t.match(body, { title: 'New', original: { width: 60 } });
    });
  }
}
