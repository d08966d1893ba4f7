import t from 'tap';
import { noise } from '../support/api.ts';
import { waitFor } from '../support/wait.ts';
import { Deployment } from './deployment.ts';
import { crash } from './scenario.ts';

t.test('20 images, 6 kills of a warmer, 2 of the server, the same each time', async (t) => {
  const { accepted, faults } = await crash({ images: 20, warmers: 2, kills: 6, serverKills: 2, seed: 7 });
  t.equal(accepted, 20);
  t.same(faults, []);
});

t.test('200 images, 40 kills of a warmer, 8 of the server: nothing is lost or made twice', async (t) => {
  const seed = Date.now() % 1_000_000;
  t.comment(`seed ${seed}`);
  const { accepted, faults } = await crash({ images: 200, warmers: 2, kills: 40, serverKills: 8, seed });
  t.equal(accepted, 200);
  t.same(faults, []);
});

t.test('a server that is killed during an upload keeps nothing that it did not accept', async (t) => {
  const deployment = await Deployment.open();
  t.teardown(() => deployment.close());
  const { base } = await deployment.startServer();
  const bytes = await noise(2000, 1500, 5);
  const boundary = 'boundary';
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n`;
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.concat([Buffer.from(head), bytes.subarray(0, bytes.length / 2)]));
    },
  });
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
  const upload = fetch(`${base}/api/images`, { method: 'POST', body, headers, duplex: 'half' }).then(
    ({ status }) => status,
    () => 'cut off',
  );
  await waitFor(async () => (await deployment.images()).some(({ status }) => status === 'uploading'));
  await deployment.killServer();
  t.equal(await upload, 'cut off');
  await deployment.startServer();
  await deployment.startWarmer();
  const id = await deployment.upload(await noise(300, 200, 6));
  await waitFor(async () => (await deployment.stores.records.images.get(id))?.status === 'completed');
  const { items } = await deployment.stores.originals.list({ prefix: '', limit: 10 });
  t.same(
    items.map(({ key }) => key),
    [id],
  );
});
