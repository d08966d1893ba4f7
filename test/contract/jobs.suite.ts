import type { Test } from 'tap';
import type { Jobs, ReceivedJob } from '../../server/stores/jobs.ts';
import { waitFor } from '../support/wait.ts';
import { type Gaps, present, rejection, suite } from './suite.ts';

export interface JobsUnderTest {
  /** A new, empty queue. */
  fresh(options: { maxReceives: number }): Promise<Jobs>;
  unreachable: Jobs;
  /** Whether it leaves out a job whose key waits. */
  dropsTwins: boolean;
  gaps: Gaps;
}

const now = { max: 10, waitSeconds: 0, visibilitySeconds: 30 };

export function jobsSuite(t: Test, title: string, under: JobsUnderTest): Promise<unknown> {
  return suite(t, title, { gaps: under.gaps, atOnce: 8 }, (it) => {
    const queue = (maxReceives = 5) => under.fresh({ maxReceives });

    it('hands out a body as it was sent, for the first time', async (t) => {
      const jobs = await queue();
      const body = JSON.stringify({ id: 'Zürich "写真"', variants: ['w=100,fmt=webp'], lines: 'a\n\tb <&>' });
      await jobs.send([body]);
      const job = await one(jobs, now);
      t.match(job, { body, receives: 1 });
      t.ok(job.receipt);
    });

    it('takes any number of bodies at once, also none, also large ones', async (t) => {
      const jobs = await queue();
      await jobs.send([]);
      const bodies = Array.from({ length: 25 }, (_, n) => `${n}:${'x'.repeat(n < 4 ? 100_000 : 10)}`);
      bodies.push('y'.repeat(256 * 1024));
      await jobs.send(bodies);
      t.same((await drain(jobs)).sort(), bodies.sort());
    });

    it('refuses a body over 256 KiB and sends nothing', async (t) => {
      const jobs = await queue();
      t.match(await rejection(jobs.send(['small', 'é'.repeat(128 * 1024 + 1)])), { name: 'RangeError' });
      t.same(await jobs.receive(now), []);
    });

    it('hides what was received, and hands it out again when its time is over', async (t) => {
      const jobs = await queue();
      await jobs.send(['hidden for long']);
      t.match(await one(jobs, { ...now, visibilitySeconds: 900 }), { body: 'hidden for long' });
      t.same(await jobs.receive(now), []);
      await jobs.send(['a']);
      const first = await one(jobs, { ...now, visibilitySeconds: 1 });
      const again = await one(jobs, { ...now, waitSeconds: 20 });
      t.match(again, { body: 'a', receives: 2 });
      t.not(again.receipt, first.receipt);
    });

    it('hands out a delayed job once its delay is over', async (t) => {
      const jobs = await queue();
      await jobs.send([{ body: 'late', delaySeconds: 900 }, 'soon']);
      t.match(await one(jobs, now), { body: 'soon' });
      t.same(await jobs.receive(now), []);
      await jobs.send([{ body: 'a moment later', delaySeconds: 1 }]);
      t.match(await one(jobs, { ...now, waitSeconds: 20 }), { body: 'a moment later', receives: 1 });
      t.match(await rejection(jobs.send([{ body: 'a', delaySeconds: 901 }])), { name: 'RangeError' });
    });

    it('a queue that knows what waits leaves out a second job of the same key, until the first was received', async (t) => {
      const jobs = await queue();
      const job = { body: 'a', key: 'purge a' };
      await jobs.send([job, job, { body: 'b', key: 'purge b' }, 'a', 'a']);
      await jobs.send([job]);
      const bodies = await drain(jobs);
      t.equal(bodies.filter((body) => body === 'b').length, 1);
      if (under.dropsTwins)
        t.equal(bodies.filter((body) => body === 'a').length, 3, 'without a key each counts');
      await jobs.send([job]);
      t.match(await one(jobs, now), { body: 'a' });
      await jobs.send([job]);
      t.match(
        await one(jobs, now),
        { body: 'a' },
        'one that is worked on stands for nothing that came since',
      );
    });

    it('says how old the oldest job is, and that there is none', async (t) => {
      const jobs = await queue();
      t.equal(await jobs.oldestSentAt(), undefined);
      await jobs.send(['a']);
      await jobs.send(['b']);
      const first = await one(jobs, { ...now, max: 1 });
      const oldest = present(await jobs.oldestSentAt());
      t.ok(oldest <= first.sentAt, 'one that is worked on counts');
      await jobs.remove(first.receipt);
      const second = await one(jobs, { ...now, max: 1 });
      t.ok(present(await jobs.oldestSentAt()) <= second.sentAt);
      await jobs.remove(second.receipt);
      t.equal(await jobs.oldestSentAt(), undefined);
    });

    it('extend keeps a message hidden', async (t) => {
      const jobs = await queue();
      await jobs.send(['a', 'other']);
      const received = await jobs.receive({ ...now, visibilitySeconds: 3 });
      for (const { body, receipt } of received)
        if (body === 'a') t.equal(await jobs.extend(receipt, 300), true);
      t.match(await one(jobs, { ...now, waitSeconds: 20 }), { body: 'other', receives: 2 });
      t.same(await jobs.receive(now), []);
    });

    it('extend by 0 gives a message back at once, to a receiver that waits', async (t) => {
      const jobs = await queue();
      await jobs.send(['a']);
      const { receipt } = await one(jobs, now);
      const waiting = one(jobs, { ...now, waitSeconds: 10 });
      t.equal(await jobs.extend(receipt, 0), true);
      t.match(await waiting, { body: 'a', receives: 2 });
    });

    it('extend of a removed message is false', async (t) => {
      const jobs = await queue();
      await jobs.send(['a']);
      const { receipt } = await one(jobs, now);
      await jobs.remove(receipt);
      t.equal(await jobs.extend(receipt, 10), false);
    });

    it('extend of a receipt that is none is false', async (t) => {
      const jobs = await queue();
      t.equal(await jobs.extend('none', 10), false);
    });

    it('a receipt is stale once somebody else received the message', async (t) => {
      const jobs = await queue();
      await jobs.send(['a']);
      const first = await one(jobs, { ...now, visibilitySeconds: 1 });
      const second = await one(jobs, { ...now, waitSeconds: 20 });
      t.equal(await jobs.extend(first.receipt, 0), false);
      t.same(await jobs.receive(now), [], 'the second receiver still holds it');
      await jobs.remove(second.receipt);
    });

    it('a removed message never comes back, and removing it twice is no error', async (t) => {
      const jobs = await queue();
      await jobs.send(['a', 'other']);
      for (const { body, receipt } of await jobs.receive({ ...now, visibilitySeconds: 1 }))
        for (let time = 0; body === 'a' && time < 2; time++) await jobs.remove(receipt);
      const other = await one(jobs, { ...now, waitSeconds: 20 });
      t.match(other, { body: 'other', receives: 2 });
      await jobs.remove(other.receipt);
      t.match(await jobs.depth(), { ready: 0, inFlight: 0, dead: 0 });
    });

    it('counts what is ready and what is in flight', async (t) => {
      const jobs = await queue();
      await jobs.send(['a', 'b', 'c']);
      t.same(await jobs.depth(), { ready: 3, inFlight: 0, dead: 0 });
      await one(jobs, { ...now, max: 1 });
      t.same(await jobs.depth(), { ready: 2, inFlight: 1, dead: 0 });
    });

    it('a receiver that waits gets a message soon after it is sent', async (t) => {
      const jobs = await queue();
      const order: string[] = [];
      const waiting = one(jobs, { ...now, waitSeconds: 20 }).finally(() => order.push('got it'));
      const ends = new AbortController();
      const other = (await queue()).receive({ ...now, waitSeconds: 20 }, ends.signal);
      const ended = other.finally(() => order.push('waited in vain'));
      await jobs.send(['a']);
      t.match(await waiting, { body: 'a' });
      ends.abort();
      await ended;
      t.same(order, ['got it', 'waited in vain']);
    });

    it('a receiver whose wait is over gets nothing', async (t) => {
      const jobs = await queue();
      const ends = new AbortController();
      const order: number[] = [];
      const waits = [20, 1, 0].map(async (waitSeconds) => {
        t.same(await jobs.receive({ ...now, waitSeconds }, ends.signal), []);
        order.push(waitSeconds);
        if (waitSeconds === 1) ends.abort();
      });
      await Promise.all(waits);
      t.same(order, [0, 1, 20]);
    });

    it('the signal ends the wait without an error', async (t) => {
      const jobs = await queue();
      const [first, second] = [new AbortController(), new AbortController()];
      const order: string[] = [];
      const wait = async (name: string, { signal }: AbortController) => {
        t.same(await jobs.receive({ ...now, waitSeconds: 20 }, signal), []);
        order.push(name);
      };
      const other = wait('second', second);
      const one = wait('first', first);
      first.abort();
      await one;
      second.abort();
      await other;
      t.same(order, ['first', 'second']);
    });

    it('with an aborted signal nothing is taken', async (t) => {
      const jobs = await queue();
      await jobs.send(['a']);
      t.same(await jobs.receive(now, AbortSignal.abort()), []);
      t.match(await one(jobs, now), { receives: 1 });
    });

    it('receivers at once never hold the same message', async (t) => {
      const jobs = await queue();
      const bodies = Array.from({ length: 60 }, (_, n) => `${n}`);
      await jobs.send(bodies);
      const taken = await Promise.all(Array.from({ length: 6 }, () => drain(jobs)));
      t.same(taken.flat().sort(), bodies.sort());
    });

    it('a message received too often goes to the dead letters', async (t) => {
      const jobs = await queue(2);
      await jobs.send(['poison']);
      for (const receives of [1, 2]) await giveBack(jobs, t, { body: 'poison', receives });
      t.same(await jobs.receive(now), []);
      t.same(await jobs.depth(), { ready: 0, inFlight: 0, dead: 1 });
      t.match(await one(jobs.deadLetters, now), { body: 'poison' });
    });

    it('dead letters can be looked at as often as one likes, and removed', async (t) => {
      const jobs = await queue(1);
      await bury(jobs, ['poison']);
      for (let look = 0; look < 4; look++) {
        const { receipt } = await one(jobs.deadLetters, { ...now, waitSeconds: 20 });
        t.equal(await jobs.deadLetters.extend(receipt, 0), true);
      }
      const { receipt } = await one(jobs.deadLetters, { ...now, waitSeconds: 20 });
      t.same(await jobs.deadLetters.receive(now), [], 'hidden while somebody looks');
      await jobs.deadLetters.remove(receipt);
      t.equal((await jobs.depth()).dead, 0);
      t.equal(await jobs.deadLetters.extend(receipt, 10), false);
    });

    it('redrive moves as many as asked for, which start anew', async (t) => {
      const jobs = await queue(1);
      await bury(jobs, ['a', 'b', 'c']);
      t.equal(await jobs.redrive(2), 2);
      t.equal((await jobs.depth()).dead, 1);
      for (const job of await jobs.receive(now)) t.equal(job.receives, 1);
      t.equal(await jobs.redrive(10), 1);
      t.equal(await jobs.redrive(10), 0);
      t.equal((await jobs.depth()).dead, 0);
    });

    it('says when a message was sent, as a dead letter too, and that a redrive sent it again', async (t) => {
      const jobs = await queue(1);
      const span = async <T>(act: () => Promise<T>) => {
        const from = Date.now();
        const value = await act();
        const until = Date.now();
        await waitFor(() => Date.now() > until);
        return {
          value,
          holds: ({ sentAt }: ReceivedJob) => from <= Number(sentAt) && Number(sentAt) <= until,
        };
      };
      const sent = await span(() => jobs.send(['a']));
      const first = await one(jobs, { ...now, visibilitySeconds: 0 });
      t.ok(sent.holds(first));
      while ((await jobs.depth()).dead === 0) await jobs.receive(now);
      const letter = await one(jobs.deadLetters, { ...now, waitSeconds: 20 });
      t.ok(letter.sentAt < new Date() && letter.sentAt >= first.sentAt);
      await jobs.deadLetters.extend(letter.receipt, 0);
      const again = await span(() => jobs.redrive(1));
      t.equal(again.value, 1);
      t.ok(again.holds(await one(jobs, { ...now, waitSeconds: 20 })));
    });

    it('redrive moves more than one batch', async (t) => {
      const jobs = await queue(1);
      const bodies = Array.from({ length: 23 }, (_, n) => `${n}`);
      await bury(jobs, bodies);
      t.equal(await jobs.redrive(1_000), 23);
      t.same((await drain(jobs)).sort(), bodies.sort());
    });

    it('an unreachable queue is a Problem with a cause', async (t) => {
      const { unreachable } = under;
      const calls = [
        () => unreachable.send(['a']),
        () => unreachable.receive(now),
        () => unreachable.extend('a', 1),
        () => unreachable.remove('a'),
        () => unreachable.depth(),
        () => unreachable.deadLetters.receive(now),
        () => unreachable.redrive(1),
        () => unreachable.ping(),
      ];
      for (const call of calls) {
        const error = await rejection(call());
        t.match(error, { code: 'store_unavailable' });
        t.ok(error instanceof Error && error.cause instanceof Error);
      }
    });

    it('answers a ping', async (t) => {
      await t.resolves((await queue()).ping());
    });
  });
}

type Receiver = Pick<Jobs, 'receive'>;
type Options = Parameters<Jobs['receive']>[0];

async function one(jobs: Receiver, options: Options): Promise<ReceivedJob> {
  const received = await jobs.receive(options);
  if (received.length > 1) throw new Error(`expected one message, got ${received.length}`);
  return present(received[0]);
}

/** Receives and removes until nothing comes any more. */
async function drain(jobs: Jobs): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const received = await jobs.receive(now);
    if (received.length === 0) return bodies;
    for (const { body, receipt } of received) {
      bodies.push(body);
      await jobs.remove(receipt);
    }
  }
}

async function giveBack(jobs: Jobs, t: Test, expected: Partial<ReceivedJob>): Promise<void> {
  const job = await one(jobs, now);
  t.match(job, expected);
  t.equal(await jobs.extend(job.receipt, 0), true);
}

/** Sends to a queue of maxReceives 1 and receives until all are dead letters. */
async function bury(jobs: Jobs, bodies: string[]): Promise<void> {
  await jobs.send(bodies);
  for (let received = 0; received < bodies.length; ) {
    for (const { receipt } of await jobs.receive(now)) {
      await jobs.extend(receipt, 0);
      received++;
    }
  }
  // The next receive finds only what has been received too often.
  while ((await jobs.depth()).dead < bodies.length) await jobs.receive(now);
}
