import t from 'tap';
import { call, form } from '../support/api.ts';
import { ask, feedOf, picture, watched } from './feeds.ts';

t.test('a picture that is at another address under the same id is fetched from there', async (t) => {
  const { remote, server, write, round } = await watched(t);
  const [one, two, three] = await Promise.all([picture(1), picture(2), picture(3)]);
  const list = (...paths: string[]) => remote.picture('/list', Buffer.from(JSON.stringify(paths)));
  const stored = async (id: string) => (await server.stores.originals.get(id))?.bytes();
  const next = async () => {
    await ask(server, 'f');
    await round();
    return feedOf(server, 'f');
  };
  for (const path of ['/a.jpg', '/b.jpg', '/c.jpg', '/%62.jpg']) remote.picture(path, one);
  for (const path of ['/%61.jpg', '/%63.jpg']) remote.picture(path, two);
  list('/a.jpg', '/b.jpg', '/c.jpg');
  await write({
    name: 'f',
    kind: 'json',
    path: '$[*]',
    from: `${remote.base}/list`,
    prefix: '',
    vanished: 'delete',
  });
  await round();
  await call(server, 'PUT', '/api/images/c.jpg/original', form([['file', three]]));
  list('/%61.jpg', '/%62.jpg', '/%63.jpg');
  t.match(await next(), { status: 'ok', run: { seen: 3, failed: 1, pending: 0 } });
  t.same(await stored('a.jpg'), two);
  t.same(await stored('b.jpg'), one);
  t.same(await stored('c.jpg'), three, 'what a person has put is theirs, whatever its address is');
  const image = await call<{ source: { url: string } }>(server, 'GET', '/api/images/a.jpg');
  t.equal(image.body.source.url, `${remote.base}/%61.jpg`);
  remote.picture('/%61.jpg', await picture(4));
  t.match(await next(), { status: 'ok', run: { seen: 3, changed: 1, failed: 1 } }, 'and is followed there');
  list('/%62.jpg');
  t.match(await next(), { status: 'held', run: { held: { vanished: 1 } } });
});
