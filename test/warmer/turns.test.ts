import fc from 'fast-check';
import t from 'tap';
import { Turns } from '../../warmer/turns.ts';

interface Due {
  /** Seconds. */
  at: number;
  number: number;
}

/** Work of so many seconds each, all of it due at once, behind a queue that delays by whole seconds. */
async function simulate({ count, atOnce, lasts }: { count: number; atOnce: number; lasts: number }) {
  let clock = 0;
  const turns = new Turns({ atOnce, now: () => clock * 1000 });
  const queue: Due[] = Array.from({ length: count }, (_, number) => ({ at: 0, number }));
  const ending: { at: number; end: () => void; done: Promise<void> }[] = [];
  const puts: number[] = new Array(count).fill(0);
  let most = 0;
  for (;;) {
    const [job] = queue.sort((a, b) => a.at - b.at);
    const [first] = ending.sort((a, b) => a.at - b.at);
    if (!job && !first) return { seconds: clock, puts, most };
    if (first && (!job || first.at <= job.at)) {
      clock = first.at;
      ending.shift();
      first.end();
      await first.done;
    } else if (job) {
      clock = Math.max(clock, job.at);
      queue.shift();
      if (turns.hasPlace) {
        let end = () => {};
        const done = turns.take(() => new Promise<void>((resolve) => (end = resolve)));
        ending.push({ at: clock + lasts, end, done });
        most = Math.max(most, ending.length);
      } else {
        puts[job.number] = (puts[job.number] ?? 0) + 1;
        queue.push({ ...job, at: clock + turns.next() });
      }
    }
  }
}

t.test('however much is due at once, it is done about as fast as it can be, and seldom put off', async () => {
  const work = fc.record({
    count: fc.integer({ min: 1, max: 300 }),
    atOnce: fc.integer({ min: 1, max: 16 }),
    lasts: fc.double({ min: 0.05, max: 20, noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(work, async ({ count, atOnce, lasts }) => {
      const { seconds, puts, most } = await simulate({ count, atOnce, lasts });
      const least = Math.ceil(count / atOnce) * lasts;
      const mean = puts.reduce((sum, each) => sum + each, 0) / count;
      const isSoon = seconds <= 2 * least + count / atOnce + 5;
      return most <= atOnce && isSoon && mean <= 6 + seconds / 200;
    }),
    { numRuns: 300 },
  );
});

t.test('a turn is no sooner than the next second, and no later than a queue delays', async (t) => {
  let clock = 0;
  const turns = new Turns({ atOnce: 1, now: () => clock });
  t.equal(turns.next(), 1);
  for (let asked = 0; asked < 2000; asked++) turns.next();
  t.equal(turns.next(), 900);
  clock = 10_000_000;
  t.equal(turns.next(), 1, 'what was promised long ago is past');
});
