import t from 'tap';
import { batches } from '../../server/stores/job-bodies.ts';

t.test('a batch has at most 10 bodies and 256 KiB, and none is lost or moved', async (t) => {
  const kib = (count: number, char = 'x') => char.repeat(count * 1024);
  const cases = [
    { bodies: [], sizes: [] },
    { bodies: Array.from({ length: 25 }, (_, n) => `${n}`), sizes: [10, 10, 5] },
    { bodies: [kib(128), kib(128), 'a', kib(256), 'b'], sizes: [2, 1, 1, 1] },
    { bodies: [kib(64, 'é'), kib(64, 'é'), 'a'], sizes: [2, 1] },
  ];
  for (const { bodies, sizes } of cases) {
    const result = batches(bodies.map((body) => ({ body })));
    t.same(
      result.map(({ length }) => length),
      sizes,
    );
    t.same(
      result.flat().map(({ body }) => body),
      bodies,
    );
  }
});
