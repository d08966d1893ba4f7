import t from 'tap';
import { ask, feedOf, idsOf, picture, watched } from './feeds.ts';

const json = (items: readonly string[], next: string | null) => Buffer.from(JSON.stringify({ items, next }));

t.test(
  'a list in pages is read to its end, and nothing vanishes where the end was not reached',
  async (t) => {
    const { remote, server, write, round, look } = await watched(t);
    const from = `${remote.base}/api/pictures?page=1`;
    await write({ name: 'cms', kind: 'json', path: '$.items[*]', next: '$.next', from, vanished: 'delete' });
    for (const n of [1, 2, 3, 4]) remote.picture(`/p/${n}.jpg`, await picture(n));
    // Beside where the page is, absolute, and the last.
    remote.picture('/api/pictures?page=1', json(['/p/1.jpg'], '?page=2'));
    remote.picture('/api/pictures?page=2', json(['/p/2.jpg'], `${remote.base}/api/pictures?page=3#x`));
    remote.picture('/api/pictures?page=3', json(['/p/3.jpg'], null));
    await round();
    const [one, two, three, four] = [1, 2, 3, 4].map((n) => `cms/p/${n}.jpg`) as [
      string,
      string,
      string,
      string,
    ];
    t.same(await idsOf(server), [one, two, three]);
    t.match(await feedOf(server, 'cms'), { status: 'ok', run: { seen: 3, new: 3, failed: 0 } });

    const before = remote.requests.length;
    await ask(server, 'cms');
    await round();
    t.same(
      [...new Set(remote.requests.slice(before).map(({ status }) => status))],
      [304],
      'three pages, three pictures',
    );
    t.equal(remote.requests.length - before, 6);
    t.match(await feedOf(server, 'cms'), { status: 'ok', run: { seen: 3, new: 0, vanished: 0 } });

    const wrong: [string, () => void, RegExp][] = [
      [
        'a page is away',
        () => remote.answer('/api/pictures?page=2', (_, it) => void it.writeHead(500).end()),
        /500/,
      ],
      ['a page has gone', () => remote.remove('/api/pictures?page=2'), /404/],
      [
        'a page was cut',
        () => remote.picture('/api/pictures?page=2', json([], null).subarray(0, -1)),
        /is no JSON/,
      ],
      [
        'in circles',
        () => remote.picture('/api/pictures?page=2', json([], '?page=1')),
        /leads back to the page/,
      ],
      [
        'of another host',
        () => remote.picture('/api/pictures?page=2', json([], 'http://127.0.0.1:1/')),
        /no address of its host/,
      ],
      [
        'of no scheme that is fetched',
        () => remote.picture('/api/pictures?page=2', json([], 'file:///etc/passwd')),
        /no address of its host/,
      ],
      [
        'no address',
        () => remote.picture('/api/pictures?page=2', Buffer.from('{"items":[],"next":2}')),
        /is not the address/,
      ],
    ];
    for (const [name, break_, reason] of wrong) {
      break_();
      await ask(server, 'cms');
      await look();
      const { status, run } = await feedOf(server, 'cms');
      t.match({ status, error: run?.error }, { status: 'failed', error: reason }, name);
      t.same(await idsOf(server), [one, two, three], `${name}: what was brought stays`);
    }

    remote.picture('/api/pictures?page=2', json(['/p/2.jpg', '/p/4.jpg'], '?page=3'));
    await ask(server, 'cms');
    await round();
    t.same(await idsOf(server), [one, two, three, four]);
    t.match(await feedOf(server, 'cms'), { status: 'ok', run: { seen: 4, new: 1, vanished: 0 } });
  },
);
