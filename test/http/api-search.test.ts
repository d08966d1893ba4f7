import t from 'tap';
import { newImage } from '../contract/suite.ts';
import { call } from '../support/api.ts';
import { startServer } from '../support/server.ts';

interface Images {
  items: { id: string }[];
  next: string | null;
}

t.test(
  'images are searched by prefix and text; a page that finds nothing says how far it looked',
  async (t) => {
    const server = await startServer();
    t.teardown(() => server.close());
    const { images } = server.stores.records;
    const count = 1100;
    await Promise.all(
      Array.from({ length: count }, (_, n) =>
        images.create({ ...newImage(`f/${n}`, new Date(1e12 + n).toISOString()), title: n ? 'x' : 'Rose' }),
      ),
    );
    const list = async (query: string) => (await call<Images>(server, 'GET', `/api/images?${query}`)).body;
    t.match(await list('prefix=f/109&limit=3'), {
      items: [{ id: 'f/109' }, { id: 'f/1090' }, { id: 'f/1091' }],
    });
    t.match(await list('text=F/42&limit=1'), { items: [{ id: 'f/429' }], next: String });
    const first = await list('text=rOSE');
    t.same(first.items, [], 'the oldest of them is too far');
    t.match(await list(`text=rOSE&cursor=${first.next}`), { items: [{ id: 'f/0' }], next: null });
    for (const query of ['prefix=', 'text=', `text=${'a'.repeat(201)}`])
      t.match(await call(server, 'GET', `/api/images?${query}`), {
        status: 400,
        body: { code: 'invalid_request' },
      });
    t.match(await list(`prefix=${encodeURIComponent('é'.repeat(350))}`), { items: [], next: null });
    t.match(await call(server, 'GET', `/api/images?prefix=${encodeURIComponent('é'.repeat(351))}`), {
      status: 400,
      body: { code: 'invalid_parameter', param: 'prefix' },
    });
  },
);
