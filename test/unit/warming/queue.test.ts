import t from 'tap';
import { noise } from '../../support/api.ts';
import { createWarmer } from '../../support/warmer.ts';

async function opened(t: import('tap').Test) {
  const warmer = await createWarmer();
  t.teardown(() => warmer.close());
  const { stores, management } = warmer;
  await stores.originals.put('a', await noise(9, 9), { contentType: 'image/jpeg' });
  await management.reconciler.reconcile('a');
  const sent = async () => {
    const jobs = await stores.jobs.receive({ max: 10, waitSeconds: 0, visibilitySeconds: 60 });
    return jobs.map(({ body }): { variants: string[]; version: string } => JSON.parse(body));
  };
  return { stores, intents: management.intents, sent };
}

const widths = (count: number) => Array.from({ length: count }, (_, index) => `fmt=webp&w=${index + 1}`);

t.test('a message has fifty variants at most, and none is lost between two', async (t) => {
  const { intents, sent } = await opened(t);
  await intents.ask('a', { warm: widths(51) });
  const jobs = await sent();
  t.same(jobs.map(({ variants }) => variants.length).sort(), [1, 50]);
  t.same(jobs.flatMap(({ variants }) => variants).sort(), widths(51).sort());
});

t.test('what was queued for a version that passed meanwhile is queued for the one that holds', async (t) => {
  const { stores, intents, sent } = await opened(t);
  const { variants, images } = stores.records;
  const write = variants.queue.bind(variants);
  variants.queue = async (...given) => {
    variants.queue = write;
    const queued = await write(...given);
    const record = await images.get('a');
    await images.update('a', record?.revision ?? 0, { generation: 1 });
    return queued;
  };
  await intents.ask('a', { warm: widths(2) });
  const { version } = (await images.get('a')) ?? {};
  const now = { version: `${version}.1`, status: 'queued' };
  t.match(await variants.list('a'), [now, now]);
  t.match((await sent()).at(-1), { version: `${version}.1`, variants: widths(2) });
});
