import t from 'tap';
import { calls } from '../../../docs/calls.ts';
import { STEPS } from './calls.ts';
import { killed } from './kills.ts';

t.test('every call that changes something has its row', async (t) => {
  const writing = (await calls()).filter(({ method }) => !['GET', 'HEAD', 'OPTIONS'].includes(method));
  const known = STEPS.map(({ call }) => call);
  t.same(
    writing.map(({ method, path }) => `${method} ${path}`).filter((name) => !known.includes(name)),
    [],
  );
});

// A sample; kills.long.ts kills after each write of each call.
for (const [name, k] of [
  ['DELETE /api/images/{id}', 1],
  ['PATCH /api/images/{id}', 3],
] as const) {
  t.test(`${name}, killed after its write ${k}, is ended by the sweep alone`, async (t) => {
    const step = STEPS.find(({ call }) => call === name);
    t.same(step && (await killed(step, k, 'only the sweep', {})).faults, []);
  });
}
