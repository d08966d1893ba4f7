import t from 'tap';
import { checkTime } from '../../server/warming/jobs.ts';
import { noise } from '../support/api.ts';
import { waitFor } from '../support/wait.ts';
import { warmerOf } from '../support/warmer.ts';

const DAY_MS = 24 * 3_600_000;
/** As it was written before the clock was set back by a day. */
const tomorrow = () => new Date(Date.now() + DAY_MS).toISOString();

t.test('an upload of tomorrow is open for a minute from now', async (t) => {
  const { stores, management } = await warmerOf(t);
  const { images } = stores.records;
  const upload = {
    status: 'uploading',
    createdAt: tomorrow(),
    openUntil: tomorrow(),
    claim: 'died',
  } as const;
  await images.create({ id: 'a', ...upload });
  await management.reconciler.look('a');
  const { openUntil = '' } = (await images.get('a')) ?? {};
  const seconds = (Date.parse(openUntil) - Date.now()) / 1000;
  t.ok(seconds > 0 && seconds <= 60, `${seconds} s`);
  const inAnHour = new Date(Date.now() + 3_500_000).toISOString();
  await images.create({ id: 'b', ...upload, openUntil: inAnHour });
  await management.reconciler.look('b');
  t.match(await images.get('b'), { openUntil: inAnHour }, 'a form has its hour');
});

t.test('a fetch that was to be tried tomorrow is sent again', async (t) => {
  const { stores, management } = await warmerOf(t);
  const { images } = stores.records;
  const source = { url: 'https://example.com/a.jpg', tries: 2 };
  const owed = { token: 'a', fetch: {} };
  for (const [id, notBefore] of [
    ['a', tomorrow()],
    ['later', new Date(Date.now() + 7_200_000).toISOString()],
  ] as const) {
    const image = { id, status: 'uploading', createdAt: tomorrow(), owed } as const;
    await images.create({ ...image, source: { ...source, notBefore } });
    const record = await images.get(id);
    t.equal(record && (await management.fetches.sendAgain(record)), id === 'a', id);
  }
  t.match(await stores.jobs.depth(), { ready: 1 });
});

t.test('a job that was to wait until tomorrow is done, one that waits some hours is not', (t) => {
  const now = Date.now() / 1000;
  const job = { kind: 'invalidate', id: 'a', tries: 1 } as const;
  t.doesNotThrow(() => checkTime({ ...job, after: now + 86_400 }, now));
  t.throws(() => checkTime({ ...job, after: now + 36_000 }, now), /Another try in 900 s/);
  t.end();
});

t.test('a round that ended tomorrow is no reason to rest', async (t) => {
  const warmer = await warmerOf(t);
  await warmer.ask('a', await noise(20, 20, 3), ['fmt=png&w=9']);
  const isReady = async () => (await warmer.variants('a')).every(({ status }) => status === 'ready');
  await warmer.until(isReady);
  const { progress } = warmer.stores.records;
  await waitFor(async () => {
    await warmer.rounds.run();
    return (await progress.get('rewarm'))?.includes('finishedAt') === true;
  });
  const position = JSON.parse((await progress.get('rewarm')) ?? '{}');
  await progress.put('rewarm', JSON.stringify({ ...position, finishedAt: tomorrow() }));
  await warmer.rounds.run();
  const { finishedAt } = JSON.parse((await progress.get('rewarm')) ?? '{}');
  t.ok(Date.parse(finishedAt) <= Date.now(), 'another way through all images has begun and ended');
});
