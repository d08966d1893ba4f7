import t from 'tap';
import { call, form } from '../support/api.ts';
import { ask, feedOf, idsOf, picture, watched } from './feeds.ts';

const NUMBERS = Array.from({ length: 20 }, (_, n) => n);

/** A feed of twenty pictures that has been run once. */
async function brought(t: Parameters<typeof watched>[0], vanished: string) {
  const watchedFeed = await watched(t);
  const { remote, write, round } = watchedFeed;
  for (const n of NUMBERS) remote.picture(`/${n}.jpg`, await picture(n + 1));
  const list = (numbers: readonly number[]) =>
    void remote.picture('/list', Buffer.from(JSON.stringify(numbers.map((n) => `${remote.base}/${n}.jpg`))));
  list(NUMBERS);
  await write({ name: 'f', kind: 'json', path: '$[*]', from: `${remote.base}/list`, prefix: '', vanished });
  await round();
  return { ...watchedFeed, list };
}

const without = (...gone: number[]) => NUMBERS.filter((n) => !gone.includes(n));

t.test('vanished images are deleted, a tenth of them at most unless a person says so', async (t) => {
  const { server, list, round } = await brought(t, 'delete');
  t.match(await feedOf(server, 'f'), { status: 'ok', run: { seen: 20, new: 20 } });
  list(without(0, 1));
  await ask(server, 'f');
  await round();
  t.match(await feedOf(server, 'f'), { status: 'ok', run: { seen: 18, vanished: 2, held: null } });
  t.same((await idsOf(server)).length, 18);
  list(without(0, 1, 2, 3));
  await ask(server, 'f');
  await round();
  t.match(await feedOf(server, 'f'), {
    status: 'held',
    run: { seen: 16, vanished: 0, held: { vanished: 2, of: 18 } },
  });
  t.same((await idsOf(server)).length, 18, 'two of eighteen are more than a tenth');
  t.match((await ask(server, 'f', '?vanished=true')).body, { status: 'waiting', nextRun: null });
  await round();
  t.match(await feedOf(server, 'f'), { status: 'ok', run: { vanished: 2, held: null } });
  t.same(
    await idsOf(server),
    without(0, 1, 2, 3)
      .map((n) => `${n}.jpg`)
      .sort(),
  );
  list(NUMBERS);
  await ask(server, 'f');
  await round();
  t.match(
    await feedOf(server, 'f'),
    { run: { seen: 20, new: 4 } },
    'and come back where they are listed again',
  );
});

t.test('an answer that failed, was cut or is empty lets nothing vanish, whoever asks', async (t) => {
  const { server, remote, list, round } = await brought(t, 'delete');
  const whole = JSON.stringify(NUMBERS.map((n) => `${remote.base}/${n}.jpg`));
  const answers: Record<string, [status: string, () => unknown]> = {
    'answers 500': [
      'failed',
      () => remote.answer('/list', (_, response) => void response.writeHead(500).end()),
    ],
    'answers 404': ['failed', () => remote.remove('/list')],
    'says less than it announced': [
      'failed',
      () =>
        remote.answer('/list', (_, response) => {
          response.writeHead(200, { 'content-length': whole.length });
          response.write(whole.slice(0, 100));
          setTimeout(() => response.destroy(), 10);
        }),
    ],
    'was cut before': ['failed', () => remote.picture('/list', Buffer.from(whole.slice(0, 200)))],
    'is a page of HTML': [
      'failed',
      () => remote.picture('/list', Buffer.from('<html>We are back soon</html>')),
    ],
    'is empty': ['failed', () => remote.picture('/list', Buffer.alloc(0))],
    'lists nothing': ['held', () => list([])],
    'redirects elsewhere': [
      'failed',
      () =>
        remote.answer(
          '/list',
          (_, r) => void r.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
        ),
    ],
  };
  for (const [what, [status, answer]] of Object.entries(answers)) {
    answer();
    await ask(server, 'f', '?vanished=true');
    await round();
    const { status: was, run } = await feedOf(server, 'f');
    t.equal(was, status, `${what}: ${run?.error}`);
    t.same((await idsOf(server)).length, 20, what);
  }
  list(without(0));
  await ask(server, 'f');
  await round();
  t.match(await feedOf(server, 'f'), { status: 'ok', run: { vanished: 1 } }, 'and then all goes on');
});

t.test('marked: the image says since when, until it is listed again', async (t) => {
  const { server, list, round } = await brought(t, 'mark');
  const vanishedAt = async () => (await call(server, 'GET', '/api/images/5.jpg')).body['vanishedAt'];
  t.equal(await vanishedAt(), null);
  list(without(5));
  await ask(server, 'f');
  await round();
  t.match(await vanishedAt(), /^20\d\d-/);
  t.match(await feedOf(server, 'f'), { run: { seen: 19, vanished: 1 } });
  const since = await vanishedAt();
  await ask(server, 'f');
  await round();
  t.equal(await vanishedAt(), since);
  t.match(await feedOf(server, 'f'), { run: { seen: 19, vanished: 0 } });
  list(NUMBERS);
  await ask(server, 'f');
  await round();
  t.equal(await vanishedAt(), null);
  t.match(await feedOf(server, 'f'), { run: { seen: 20, new: 0, vanished: 0 } });
});

t.test('kept, as long as nothing else is said; and what somebody has replaced is theirs', async (t) => {
  const kept = await brought(t, 'keep');
  kept.list([3]);
  await ask(kept.server, 'f');
  await kept.round();
  t.match(await feedOf(kept.server, 'f'), { status: 'ok', run: { seen: 1, held: null } });
  t.same((await idsOf(kept.server)).length, 20);

  const { server, list, round } = await brought(t, 'delete');
  const replaced = await call(
    server,
    'PUT',
    '/api/images/7.jpg/original',
    form([['file', await picture(70)]]),
  );
  t.ok(replaced.status < 300);
  list(without(6, 7));
  await ask(server, 'f');
  await round();
  t.same(
    await idsOf(server),
    without(6)
      .map((n) => `${n}.jpg`)
      .sort(),
  );
});

t.test('addresses that never gave a picture count for nothing, and leave nothing behind', async (t) => {
  const { remote, server, write, round } = await watched(t);
  const good = NUMBERS.slice(0, 10);
  for (const n of good) remote.picture(`/${n}.jpg`, await picture(n + 1));
  const list = (names: readonly (number | string)[]) =>
    remote.picture('/list', Buffer.from(JSON.stringify(names.map((name) => `${remote.base}/${name}.jpg`))));
  list([...good, 'no', 'none', 'nothing']);
  await write({
    name: 'f',
    kind: 'json',
    path: '$[*]',
    from: `${remote.base}/list`,
    prefix: '',
    vanished: 'delete',
  });
  await round();
  t.match(await feedOf(server, 'f'), { run: { seen: 13, new: 10, failed: 3 } });
  t.equal((await idsOf(server)).length, 13, 'they say why');
  list(good.slice(1));
  await ask(server, 'f');
  await round();
  t.match(await feedOf(server, 'f'), { status: 'ok', run: { seen: 9, failed: 0, vanished: 1 } });
  t.same(
    await idsOf(server),
    good.slice(1).map((n) => `${n}.jpg`),
  );
});
