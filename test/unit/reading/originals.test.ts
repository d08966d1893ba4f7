import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { openStores } from '../../../server/compose/stores.ts';
import { loadConfig } from '../../../server/config/settings.ts';
import { versionOf } from '../../../server/reading/identity.ts';
import { type Original, Originals } from '../../../server/reading/originals.ts';
import { Admission } from '../../../server/shared/admission.ts';
import { openScratch } from '../../../server/shared/scratch.ts';
import type { Objects } from '../../../server/stores/objects.ts';
import { removeFolder, temporaryFolder } from '../../support/folders.ts';
import { waitFor } from '../../support/wait.ts';

const jpeg = { contentType: 'image/jpeg' };

/** Believed for a second of a clock that the test moves. */
async function opened(t: Test) {
  const folder = await temporaryFolder();
  t.teardown(() => removeFolder(folder));
  const stores = await openStores(loadConfig({ DATA_DIR: folder }));
  t.teardown(() => stores.close());
  const scratch = await openScratch(folder);
  let time = 0;
  const now = () => time;
  const admission = new Admission({ slots: 4, bytes: 1e9, maxWaitMs: 1e9, name: 'reads' }, now);
  const originals = new Originals({
    objects: stores.originals,
    records: stores.records,
    admission,
    room: admission,
    now,
    versionMs: 1000,
    outageMs: 0,
    lookupMs: 1000,
    maxBytes: 100,
    keepBytes: 0,
    scratch,
  });
  const put = async (text: string) => (await stores.originals.put('a', Buffer.from(text), jpeg))?.etag;
  return { stores, originals, put, folder, scratch, pass: (ms: number) => (time += ms) };
}

t.test('believes a version for its time, and asks again behind it', async (t) => {
  const { originals, put, pass } = await opened(t);
  const first = await put('first');
  t.equal(originals.lastKnown('a'), undefined);
  t.notOk(originals.isSettled('a'));
  t.match(await originals.identify('a'), { version: first, size: 5 });
  const second = await put('second');
  pass(999);
  t.match(await originals.identify('a'), { version: first });
  t.match(originals.lastKnown('a'), { version: first });
  pass(1);
  t.equal(originals.lastKnown('a'), undefined);
  t.match(await originals.identify('a'), { version: second });
});

t.test('remembers that there is none as well', async (t) => {
  const { originals, put, pass } = await opened(t);
  await t.rejects(originals.identify('a'), { code: 'image_not_found' });
  t.ok(originals.isSettled('a'));
  const version = await put('first');
  t.equal(await originals.lookUp('a'), undefined);
  pass(1000);
  t.match(await originals.lookUp('a'), { version });
});

t.test('refresh asks at once; revalidate too, and leaves alone what is still true', async (t) => {
  const { originals, put } = await opened(t);
  const first = await put('first');
  await originals.identify('a');
  t.match(await originals.revalidate('a'), { version: first });
  t.match(originals.lastKnown('a'), { version: first });
  const second = await put('second');
  t.match(await originals.revalidate('a'), { version: second });
  t.equal(originals.lastKnown('a'), undefined);
  const third = await put('third');
  t.match(await originals.refresh('a'), { version: third });
  t.match(originals.lastKnown('a'), { version: third });
});

t.test('a purge of the same bytes is another version', async (t) => {
  const { originals, stores, put } = await opened(t);
  const etag = (await put('first')) ?? '';
  const createdAt = new Date().toISOString();
  await stores.records.images.create({
    id: 'a',
    status: 'completed',
    createdAt,
    version: etag,
    generation: 2,
  });
  t.match(await originals.identify('a'), { version: versionOf(etag, 2) });
  t.not(versionOf(etag, 2), etag);
});

t.test('a store that could not say is asked again by the next one', async (t) => {
  const { originals, stores, put } = await opened(t);
  await put('first');
  const { head } = stores.originals;
  stores.originals.head = async () => {
    throw new Error('away');
  };
  await t.rejects(originals.identify('a'), { message: 'away' });
  stores.originals.head = head;
  t.match(await originals.identify('a'), { size: 5 });
});

t.test('an original is a file as long as somebody holds it, whatever becomes of its object', async (t) => {
  const { originals, put } = await opened(t);
  await put('first');
  const [one, same] = await Promise.all([originals.fetch('a'), originals.fetch('a')]);
  t.equal(one.ref.path, same.ref.path, 'read once for both');
  await put('second');
  t.match(readFileSync(one.ref.path, 'utf8').slice(0, one.ref.bytes), 'first');
  one.release();
  one.release();
  await setImmediate();
  t.ok(existsSync(same.ref.path), 'the other one holds it still');
  same.release();
  await waitFor(() => !existsSync(same.ref.path));
});

t.test('refuses an original that is larger than is read, and leaves no file of it', async (t) => {
  const { originals, put, folder } = await opened(t);
  await put('x'.repeat(101));
  await t.rejects(originals.fetch('a'), { code: 'source_too_large' });
  const scratch = readdirSync(folder).find((name) => name.startsWith('rendition-scratch-')) ?? '';
  t.same(readdirSync(join(folder, scratch)).sort(), ['probe', 'tmp']);
});

t.test(
  'originals that wait take room until they are let go, and what finds none is told to come again',
  async (t) => {
    const folder = await temporaryFolder();
    t.teardown(() => removeFolder(folder));
    const stores = await openStores(loadConfig({ DATA_DIR: folder }));
    t.teardown(() => stores.close());
    const now = () => performance.now();
    const limits = { bytes: 250, maxWaitMs: 1e9, name: 'room' };
    const room = new Admission({ ...limits, slots: Number.POSITIVE_INFINITY }, now);
    const options = {
      objects: asBucket(stores.originals),
      records: stores.records,
      admission: new Admission({ ...limits, slots: 32, bytes: 1e9 }, now),
      room,
      now,
      versionMs: 1e9,
      outageMs: 0,
      lookupMs: 1e9,
      maxBytes: 1000,
      keepBytes: 1000,
      scratch: await openScratch(folder),
    };
    const originals = new Originals(options);
    for (const id of ['a', 'b', 'c', 'mark']) await stores.originals.put(id, Buffer.alloc(100), jpeg);
    const [a, b] = [await originals.fetch('a'), await originals.fetch('b')];
    t.equal(room.load.bytes, 200);
    const again = await originals.fetch('a');
    t.equal(room.load.bytes, 200, 'the same file takes no more');
    const mark = await originals.fetchBeside('mark');
    mark.release();
    let isThere = false;
    const third = originals.fetch('c').finally(() => {
      isThere = true;
    });
    await waitFor(() => room.load.waiting === 1);
    // A time limit alone keeps no process alive; in a server its port does.
    const alive = setInterval(() => undefined, 1000);
    t.teardown(() => clearInterval(alive));
    const impatient = new Originals({ ...options, roomMs: 1 });
    await t.rejects(impatient.fetch('c'), { code: 'overloaded' });
    a.release();
    await setImmediate();
    t.equal(isThere, false, 'somebody still holds the first');
    again.release();
    (await third).release();
    b.release();
    await waitFor(() => room.load.bytes === 0);
    await stores.originals.remove(['c']);
    await t.rejects(impatient.fetch('c'), { code: 'image_not_found' });
    t.equal(room.load.bytes, 0, 'what fails takes none');
  },
);

for (const store of ['files', 'a bucket']) {
  for (const gone of ['its file', 'the folder of all files', 'that folder while it is read']) {
    t.test(`an original of ${store} of which somebody removed ${gone} is read anew`, async (t) => {
      const { stores, put, scratch } = await opened(t);
      await put('first');
      const now = () => performance.now();
      const admission = new Admission({ slots: 4, bytes: 1e9, maxWaitMs: 1e9, name: 'reads' }, now);
      let isInTheWay = gone === 'that folder while it is read';
      const path = () => {
        const chosen = scratch.path();
        if (isInTheWay) rmSync(scratch.folder, { recursive: true });
        isInTheWay = false;
        return chosen;
      };
      const originals = new Originals({
        objects: store === 'files' ? stores.originals : asBucket(stores.originals),
        records: stores.records,
        admission,
        room: admission,
        now,
        versionMs: 1e9,
        outageMs: 0,
        lookupMs: 1e9,
        maxBytes: 100,
        keepBytes: 1000,
        scratch: { path },
      });
      if (isInTheWay) await t.rejects(originals.fetch('a'), { code: 'store_unavailable' }, 'and not damaged');
      const before = await originals.fetch('a');
      before.release();
      if (gone === 'its file') rmSync(before.ref.path);
      else rmSync(scratch.folder, { recursive: true });
      for (const lap of ['at once', 'and further on']) {
        const again = await originals.fetch('a');
        t.equal(readFileSync(again.ref.path, 'utf8').slice(0, 5), 'first', lap);
        again.release();
      }
    });
  }
}

t.test('who holds an original already waits for nobody who waits for room', async (t) => {
  const { stores, put, folder } = await opened(t);
  await put('first');
  const now = () => performance.now();
  const limits = { slots: 4, maxWaitMs: 1e9, name: 'originals' };
  const room = new Admission({ ...limits, bytes: 5 }, now);
  const originals = new Originals({
    objects: asBucket(stores.originals),
    records: stores.records,
    admission: new Admission({ ...limits, bytes: 1e9 }, now),
    room,
    now,
    versionMs: 1e9,
    outageMs: 0,
    lookupMs: 1e9,
    maxBytes: 100,
    keepBytes: 0,
    scratch: await openScratch(folder),
  });
  await stores.originals.put('mark', Buffer.from('mark'), jpeg);
  const holder = await originals.fetch('a');
  const waiting = originals.fetch('mark');
  await waitFor(() => room.load.waiting === 1);
  const beside: Original[] = [];
  const arriving = originals.fetchBeside('mark').then((mark) => beside.push(mark));
  await waitFor(() => beside.length >= 1);
  await arriving;
  holder.release();
  const other = await waiting;
  for (const { ref, release } of [...beside, other]) {
    t.equal(readFileSync(ref.path, 'utf8').slice(0, ref.bytes), 'mark', 'each in a file of its own');
    release();
    await waitFor(() => !existsSync(ref.path));
  }
  t.equal(room.load.bytes, 0);
});

/** Every original is copied from it. */
function asBucket(objects: Objects): Objects {
  return new Proxy(objects, {
    get: (target, name) => {
      const call = name === 'link' ? undefined : Reflect.get(target, name);
      return typeof call === 'function' ? call.bind(target) : call;
    },
  });
}
