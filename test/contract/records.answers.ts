import { randomUUID } from 'node:crypto';
import type { KeptAnswer } from '../../server/stores/answers.ts';
import type { Records } from '../../server/stores/stores.ts';
import { waitFor } from '../support/wait.ts';
import type { Case } from './suite.ts';

const attempt = (
  owner: string,
  more: { seed?: string; holdSeconds?: number; keepSeconds?: number } = {},
) => ({
  owner,
  seed: `seed of ${owner}`,
  holdSeconds: 300,
  keepSeconds: 600,
  ...more,
});
const answer = (body = '{"id":"Zürich 写真"}'): KeptAnswer => ({
  request: 'digest',
  status: 202,
  headers: { location: '/a', 'content-type': 'application/json' },
  body,
});

/** Requests by the key of their client. */
export function answerCases(it: Case, { answers }: Records): void {
  it('of 20 tries at once one gets the key, and may take it again', async (t) => {
    const key = randomUUID();
    const owners = Array.from({ length: 20 }, (_, n) => `owner ${n}`);
    const standings = await Promise.all(owners.map((owner) => answers.take(key, attempt(owner))));
    const taken = owners.filter((_, n) => standings[n]?.state === 'taken');
    t.equal(taken.length, 1);
    t.ok(standings.every(({ state }) => state === 'taken' || state === 'held'));
    const [owner = ''] = taken;
    const again = await answers.take(key, attempt(owner, { seed: 'another' }));
    t.same(again, { state: 'taken', seed: `seed of ${owner}` });
  });

  it('an answer is kept as it is, however long it is', async (t) => {
    for (const length of [0, 1, 99_999, 100_000, 100_001, 600_000]) {
      const key = randomUUID();
      const long = answer('é"\\'.repeat(length).slice(0, length));
      await answers.take(key, attempt('a'));
      t.equal(await answers.keep(key, 'a', long, 600), true);
      t.same(await answers.take(key, attempt('b')), { state: 'answered', answer: long }, `${length}`);
      t.same(
        await answers.take(key, attempt('a')),
        { state: 'answered', answer: long },
        'to whom it is, too',
      );
    }
  });

  it('a try that was given up leaves its seed to the next one', async (t) => {
    const key = randomUUID();
    await answers.take(key, attempt('a'));
    await answers.release(key, 'b');
    t.match(await answers.take(key, attempt('b')), { state: 'held' }, 'others cannot give it up');
    await answers.release(key, 'a');
    t.same(await answers.take(key, attempt('b')), { state: 'taken', seed: 'seed of a' });
    t.equal(await answers.keep(key, 'a', answer(), 600), false, 'who lost it keeps nothing');
    t.equal(await answers.keep(key, 'b', answer(), 600), true);
    await answers.release(key, 'b');
    t.same(await answers.take(key, attempt('c')), { state: 'answered', answer: answer() });
    t.equal(await answers.keep(randomUUID(), 'a', answer(), 600), false, 'nor who never had it');
    await answers.release(randomUUID(), 'a');
  });

  it('a try whose process died holds its key no longer than it said', async (t) => {
    const key = randomUUID();
    await answers.take(key, attempt('a', { holdSeconds: 1 }));
    await waitFor(async () => (await answers.take(key, attempt('b'))).state === 'taken');
    t.match(await answers.take(key, attempt('a')), { state: 'held' });
    t.same(await answers.take(key, attempt('b')), { state: 'taken', seed: 'seed of a' });
  });

  it('nothing is known of a key whose time is over', async (t) => {
    const [open, kept] = [randomUUID(), randomUUID()];
    await answers.take(open, attempt('a', { keepSeconds: 1 }));
    await answers.take(kept, attempt('a'));
    await answers.keep(kept, 'a', answer(), 1);
    for (const key of [open, kept])
      await waitFor(async () => {
        const standing = await answers.take(key, attempt('b', { keepSeconds: 600 }));
        return standing.state === 'taken' && standing.seed === 'seed of b';
      });
    t.match(await answers.take(kept, attempt('c')), { state: 'held' });
  });
}
