import t from 'tap';
import { Admission, type AdmissionLimits } from '../../../server/shared/admission.ts';

function gateAt(limits: Partial<AdmissionLimits> = {}) {
  let time = 0;
  const admission = new Admission(
    { slots: 2, bytes: 1000, maxWaitMs: 1000, name: 'tests', ...limits },
    () => time,
  );
  return { admission, pass: (ms: number) => (time += ms) };
}

const price = (ms: number, bytes = 10) => ({ ms, bytes });
const settled = () => new Promise((resolve) => setImmediate(resolve));

t.test('admits as many as there are slots, and the rest in order of arrival', async (t) => {
  const { admission, pass } = gateAt();
  const order: string[] = [];
  const enter = async (name: string) => {
    const permit = await admission.acquire(price(100));
    order.push(name);
    return permit;
  };
  const [a, b] = [enter('a'), enter('b')];
  const [c, d] = [enter('c'), enter('d')];
  await settled();
  t.same(order, ['a', 'b']);
  pass(50);
  (await b).release();
  t.equal((await c).waitedMs, 50);
  (await a).release();
  await d;
  t.same(order, ['a', 'b', 'c', 'd']);
});

t.test('is bounded by memory too, but lets one large piece in when nothing else runs', async (t) => {
  const { admission } = gateAt();
  const large = await admission.acquire(price(10, 5000));
  let entered = false;
  const next = admission.acquire(price(10, 1)).then((permit) => {
    entered = true;
    return permit;
  });
  await settled();
  t.notOk(entered, 'a slot is free, memory is not');
  large.release();
  (await next).release();
  t.same(admission.load, { holders: 0, waiting: 0, bytes: 0 });
});

t.test('counts cost, not requests: many small pieces may wait where one large may not', async (t) => {
  const { admission } = gateAt({ slots: 1 });
  await admission.acquire(price(10));
  const small = Array.from({ length: 20 }, () => admission.acquire(price(10)));
  t.equal(admission.load.waiting, 20);
  small.push(admission.acquire(price(5000)));
  await t.rejects(admission.acquire(price(1)), { code: 'overloaded', facts: { retryAfterSeconds: Number } });
  t.equal(admission.load.waiting, 21, 'who is refused does not wait');
});

t.test('lets a waiter leave, and forgets it', async (t) => {
  const { admission } = gateAt({ slots: 1 });
  const first = await admission.acquire(price(10));
  const leaving = new AbortController();
  const left = admission.acquire(price(10), leaving.signal);
  const stays = admission.acquire(price(10));
  leaving.abort(new Error('gone'));
  await t.rejects(left, { message: 'gone' });
  first.release();
  (await stays).release();
  t.equal(admission.load.holders, 0);
  await t.rejects(admission.acquire(price(1), AbortSignal.abort(new Error('late'))), { message: 'late' });
});

t.test('a second release changes nothing', async (t) => {
  const { admission } = gateAt();
  const permit = await admission.acquire(price(10));
  permit.release();
  permit.release();
  t.same(admission.load, { holders: 0, waiting: 0, bytes: 0 });
});

t.test('learns how slow the machine really is', async (t) => {
  const { admission, pass } = gateAt({ slots: 1 });
  for (let lap = 0; lap < 200; lap++) {
    const permit = await admission.acquire(price(100));
    pass(400);
    permit.release();
  }
  const holder = await admission.acquire(price(100));
  const waiting = admission.acquire(price(100));
  t.ok(
    admission.expectedWaitMs() > 500,
    `${admission.expectedWaitMs()} ms are expected, four times the price`,
  );
  holder.release();
  (await waiting).release();
});

t.test('who leaves at the head of the queue lets those behind it in that fit beside who is in', async (t) => {
  const { admission } = gateAt({ slots: 2, bytes: 1000 });
  const permit = await admission.acquire(price(10, 600));
  const leaver = new AbortController();
  const large = admission.acquire(price(10, 600), leaver.signal);
  const small = admission.acquire(price(10, 100));
  t.match(admission.load, { holders: 1, waiting: 2 });
  leaver.abort(new Error('gone'));
  await t.rejects(large, { message: 'gone' });
  t.match(admission.load, { holders: 2, waiting: 0 }, 'at once, not when somebody releases');
  for (const { release } of [permit, await small]) release();
  t.match(admission.load, { holders: 0, waiting: 0, bytes: 0 });
});

t.test('who is in is on average half done: it counts half', async (t) => {
  const { admission } = gateAt({ slots: 1, maxWaitMs: 500 });
  const permit = await admission.acquire(price(1000));
  t.equal(admission.expectedWaitMs(), 500);
  const next = admission.acquire(price(1));
  t.equal(admission.load.waiting, 1, 'admitted to the queue');
  await t.rejects(admission.acquire(price(1)), { code: 'overloaded' });
  permit.release();
  (await next).release();
});

t.test(
  'one piece of a thousand times its price refuses nobody of its kind, and its kind no other',
  async (t) => {
    const { admission, pass } = gateAt({ slots: 1, maxWaitMs: 3000 });
    const work = async (kind: string, ms: number, real: number) => {
      const permit = await admission.acquire({ ...price(ms), kind });
      pass(real);
      permit.release();
    };
    await work('svg', 30, 30_000);
    const holder = await admission.acquire({ ...price(100), kind: 'svg' });
    t.ok(admission.expectedWaitMs() < 100, `${admission.expectedWaitMs()} ms after one bad drawing`);
    holder.release();
    for (let lap = 0; lap < 200; lap++) await work('svg', 30, 30_000);
    const drawing = await admission.acquire({ ...price(100), kind: 'svg' });
    t.ok(
      admission.expectedWaitMs() > 900,
      `${admission.expectedWaitMs()} ms behind a drawing once all are bad`,
    );
    drawing.release();
    const photo = await admission.acquire({ ...price(100), kind: 'jpeg' });
    const behind = Array.from({ length: 20 }, () => admission.acquire({ ...price(100), kind: 'jpeg' }));
    t.equal(admission.expectedWaitMs(), 2050, 'pictures of other kinds are expected to take what they take');
    photo.release();
    for (const permit of behind) (await permit).release();
  },
);

t.test('a kind with slots of its own never holds them all, and is overtaken while it waits', async (t) => {
  const { admission, pass } = gateAt({ slots: 3, kindSlots: { svg: 1 } });
  const svg = { ...price(500), kind: 'svg' };
  const drawings = Array.from({ length: 17 }, () => admission.acquire(svg).catch(() => undefined));
  const first = await drawings[0];
  t.equal(admission.load.holders, 1);
  t.ok(admission.load.waiting < 16, 'drawings are refused for drawings');
  t.equal(admission.expectedWaitMs('jpeg'), 0, 'pictures do not wait for drawings');
  const photos = [admission.acquire({ ...price(100), kind: 'jpeg' }), admission.acquire(price(100))];
  const late = admission.acquire({ ...price(100), kind: 'jpeg' });
  for (const photo of photos) (await photo).release();
  pass(10);
  (await late).release();
  const { waiting } = admission.load;
  first?.release();
  (await drawings[1])?.release();
  t.equal(admission.load.waiting, waiting - 2, 'one drawing after the other');
});

t.test('without a second slot a kind has that one, and the others wait for it', async (t) => {
  const { admission } = gateAt({ slots: 1, kindSlots: { svg: 1 } });
  const drawing = await admission.acquire({ ...price(500), kind: 'svg' });
  t.equal(admission.expectedWaitMs('jpeg'), 250);
  const photo = admission.acquire({ ...price(10), kind: 'jpeg' });
  drawing.release();
  (await photo).release();
  t.equal(admission.load.holders, 0);
});
