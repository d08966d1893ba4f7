import t from 'tap';
import { Circuit } from '../../../server/shared/circuit.ts';
import { within } from '../../../server/shared/within.ts';

t.test('three failures in a row open it, and one that is good closes it', async (t) => {
  let time = 0;
  const circuit = new Circuit(() => time);
  circuit.failed();
  circuit.failed();
  circuit.succeeded();
  circuit.failed();
  circuit.failed();
  t.equal(circuit.isOpen, false);
  t.ok(circuit.admits());
  circuit.failed();
  t.ok(circuit.isOpen);
  t.notOk(circuit.admits());
  time += 2000;
  t.ok(circuit.isDue);
  t.same([circuit.admits(), circuit.admits()], [true, false], 'one tries');
  circuit.failed();
  t.notOk(circuit.admits());
  circuit.succeeded();
  t.same([circuit.isOpen, circuit.admits(), circuit.admits()], [false, true, true]);
});

t.test('an answer in time, one that never comes, and one that fails are told apart', async (t) => {
  t.same(await within(Promise.resolve(1), 60_000), { value: 1 });
  const alive = setInterval(() => undefined, 1000);
  t.equal(await within(new Promise(() => {}), 1), undefined);
  clearInterval(alive);
  await t.rejects(within(Promise.reject(new Error('no')), 60_000), { message: 'no' });
});

t.test('an event loop that stood still is no reason to call an answer late', async (t) => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const alive = setInterval(() => undefined, 1000);
  t.teardown(() => clearInterval(alive));
  const read = within(promise, 5);
  setImmediate(() => resolve(1));
  // Both are due once this returns; the timer is looked at first.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  t.same(await read, { value: 1 });
});
