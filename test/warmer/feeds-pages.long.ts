import t from 'tap';
import { ask, feedOf, idsOf, picture, watched } from './feeds.ts';

t.test('pages without end end the run at its bound, and nothing vanishes', async (t) => {
  const { remote, server, write, look, round } = await watched(t);
  const page = (n: number, next: string | null) =>
    remote.answer(`/list/${n}`, (_, response) => {
      const items = n === 1 ? [] : ['/p/1.jpg'];
      response.end(JSON.stringify({ items, next }));
    });
  remote.picture('/p/1.jpg', await picture(1));
  const from = page(1, '/list/2');
  page(2, null);
  await write({ name: 'f', kind: 'json', path: '$.items[*]', next: '$.next', from, vanished: 'delete' });
  await round();
  t.same(await idsOf(server), ['f/p/1.jpg']);
  const before = remote.requests.length;
  for (let n = 1; n <= 1_010; n++) page(n, `/list/${n + 1}`);
  await ask(server, 'f');
  await look();
  t.match(await feedOf(server, 'f'), { status: 'failed', run: { error: /more than 1000 pages/ } });
  t.equal(remote.requests.length - before, 1_000);
  t.same(await idsOf(server), ['f/p/1.jpg']);
});
