import t from 'tap';
import { corpus } from '../support/corpus.ts';
import { poolEvents } from '../support/rendering.ts';
import { bytesOf, problemOf, startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const slow = await corpus('svg/slow-filter.svg');
const killed = () => poolEvents.filter(({ kind }) => kind === 'too-slow').length;

t.test('a drawing that cannot be drawn is told so, and not tried again for a while', async (t) => {
  const server = await startServer({ SVG_MS: '300' });
  t.teardown(() => server.close());
  await server.put('slow.svg', slow);
  let first = await server.get('/img/slow.svg?w=3000&fmt=png');
  // A process that hardly gets the processor says nothing of its drawing.
  while (first.status === 504) first = await server.get('/img/slow.svg?w=3000&fmt=png');
  t.equal(first.status, 422);
  t.equal(first.headers.get('cache-control'), 'public, max-age=60');
  t.match(await problemOf(first), { code: 'unrenderable', detail: /ms of the processor/ });
  const before = killed();
  for (const query of ['w=3100&fmt=webp', 'w=4000&fmt=png'])
    t.match(await problemOf(await server.get(`/img/slow.svg?${query}`)), { code: 'unrenderable' }, query);
  t.equal(killed(), before, 'no process was spent on them');
  t.equal((await server.get('/img/slow.svg?w=20&fmt=png')).status, 200, 'a small one can be drawn');
  await server.put('slow.svg', await corpus('svg/plain.svg'));
  t.equal(
    (await server.get('/img/slow.svg?w=3000&fmt=png')).status,
    200,
    'another version is another drawing',
  );
});

t.test('pictures do not wait for drawings, and none of them is refused for those', async (t) => {
  const server = await startServer({ RENDER_SLOTS: '2', SVG_MS: '10000', QUEUE_MS: '60000' });
  const leave = new AbortController();
  t.teardown(() => server.close());
  const { render } = server.composed.core.admissions;
  let answered = 0;
  const drawings = Array.from({ length: 17 }, async (_, number) => {
    await server.put(`slow-${number}.svg`, slow);
    await server
      .get(`/img/slow-${number}.svg?w=3000&fmt=png`, { signal: leave.signal })
      .catch(() => undefined);
    answered += 1;
  });
  await server.put('photo.jpg', await corpus('samples/ladybug.jpg'));
  await waitFor(() => render.load.waiting >= 16);
  for (let width = 100; width < 116; width += 1) {
    const answer = await server.get(`/img/photo.jpg?w=${width}`);
    t.equal(answer.status, 200, `w=${width}`);
    await bytesOf(answer);
  }
  t.ok(answered < 17 && render.load.waiting > 0, `${render.load.waiting} drawings still wait`);
  leave.abort();
  await Promise.all(drawings);
});

t.test('what an encoder takes for a large picture of a drawing is not laid to the drawing', async (t) => {
  const server = await startServer({ RENDER_SLOTS: '1', QUEUE_MS: '60000', DEADLINE_MS: '120000' });
  t.teardown(() => server.close());
  const square = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><path d="M0 0h9v9z"/></svg>';
  for (const format of ['webp', 'avif', 'jpeg']) {
    // Of its own each time: what is said of one size of a drawing holds for all larger ones.
    await server.put(`${format}.svg`, Buffer.from(square));
    const answer = await server.get(`/img/${format}.svg?w=6000&fmt=${format}`);
    t.equal(answer.status, 200, format);
    t.equal(answer.headers.get('x-image-height'), '6000', format);
    await bytesOf(answer);
  }
});
