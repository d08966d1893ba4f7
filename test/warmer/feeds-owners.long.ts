import t from 'tap';
import { call } from '../support/api.ts';
import { ask, feedOf, idsOf, picture, watched } from './feeds.ts';

const json = (urls: readonly string[]) => Buffer.from(JSON.stringify(urls));
const PATHS = Array.from({ length: 22 }, (_, n) => `/p/${n}.jpg`);

for (const vanished of ['delete', 'mark'])
  t.test(`addresses, ${vanished}: another feed, a presigned upload and an import of a person`, async (t) => {
    const { remote, server, write, round } = await watched(t);
    const bytes = await picture(7);
    for (const path of [...PATHS, '/p/mine.jpg', '/p/asked.jpg']) remote.picture(path, bytes);
    const theirs = ['/p/mine.jpg', '/p/asked.jpg'];
    remote.picture('/a', json([...PATHS, ...theirs]));
    remote.picture('/b', json(['/p/1.jpg']));
    const form = { id: 'x/p/mine.jpg', filename: 'mine.jpg', contentType: 'image/jpeg', size: 1000 };
    t.ok((await call(server, 'POST', '/api/images/presign', form)).status < 300);
    const urls = [{ id: 'x/p/asked.jpg', url: `${remote.base}/p/asked.jpg` }];
    t.ok((await call(server, 'POST', '/api/images/import', { urls })).status < 300);
    const feed = { kind: 'json', path: '$[*]', prefix: 'x/' };
    const a = { name: 'a', from: `${remote.base}/a`, vanished, ...feed };
    await write(a, { name: 'b', from: `${remote.base}/b`, ...feed });
    await round();
    t.match(await feedOf(server, 'a'), { run: { seen: 24, new: 22, failed: 2 } });
    t.match(await feedOf(server, 'b'), { run: { seen: 1, new: 0, failed: 1 } });

    remote.picture('/a', json(PATHS.filter((path) => path !== '/p/1.jpg')));
    remote.picture('/b', json([]));
    for (const name of ['a', 'b']) await ask(server, name);
    await round();
    t.match(await feedOf(server, 'a'), { status: 'ok', run: { seen: 21, vanished: 1 } });
    t.equal((await idsOf(server)).includes('x/p/1.jpg'), vanished === 'mark');
    for (const path of theirs) {
      const { status, body } = await call(server, 'GET', `/api/images/x${path}`);
      t.match({ status, body }, { status: 200, body: { vanishedAt: null } }, path);
    }
    remote.picture('/b', json(['/p/1.jpg']));
    await ask(server, 'b');
    await round();
    const isOfB = vanished === 'delete';
    t.match(await feedOf(server, 'b'), { run: { new: isOfB ? 1 : 0, failed: isOfB ? 0 : 1 } });
    const image = await call(server, 'GET', '/api/images/x/p/1.jpg');
    t.match(
      image.body['vanishedAt'],
      isOfB ? null : /^20/,
      'only the feed that brought it takes a mark away',
    );
  });
