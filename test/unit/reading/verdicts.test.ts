import t from 'tap';
import { Verdicts } from '../../../server/reading/verdicts.ts';
import { Problem, type ProblemCode, problemCacheControl } from '../../../server/shared/errors.ts';

const MINUTE_MS = 60_000;

function verdictsAt() {
  let time = 1;
  const verdicts = new Verdicts(() => time);
  const isKnown = (costMs: number, key = 'a 1') => {
    try {
      verdicts.check(key, costMs);
      return false;
    } catch {
      return true;
    }
  };
  return { verdicts, isKnown, pass: (ms: number) => (time += ms) };
}

const problem = (code: ProblemCode) => new Problem(code, 'It cannot be drawn.', { hint: 'Draw another.' });

t.test('what could not be drawn is not tried again for minutes, where it would cost as much', async (t) => {
  const { verdicts, isKnown, pass } = verdictsAt();
  verdicts.remember('a 1', problem('unrenderable'), 100);
  t.ok(isKnown(100));
  t.ok(isKnown(5000));
  t.notOk(isKnown(99), 'something smaller may be drawn');
  t.notOk(isKnown(100, 'a 2'), 'another version');
  t.throws(() => verdicts.check('a 1', 100), {
    code: 'unrenderable',
    status: 422,
    detail: 'It cannot be drawn.',
    facts: { hint: 'Draw another.' },
  });
  pass(2 * MINUTE_MS);
  t.ok(isKnown(100));
  pass(10 * MINUTE_MS);
  t.notOk(isKnown(100), 'it is tried again in the end');
});

t.test('damage is damage at any size', async (t) => {
  for (const code of ['damaged_source', 'unsupported_source'] as const) {
    const { verdicts, isKnown } = verdictsAt();
    verdicts.remember('a 1', problem(code), 100);
    t.ok(isKnown(1), code);
    t.throws(() => verdicts.check('a 1', 1), { code });
  }
});

t.test('what waited, was asked wrongly or is of our making is never remembered', async (t) => {
  for (const code of ['deadline', 'overloaded', 'no_overlap', 'too_many_pixels', 'internal'] as const) {
    const { verdicts, isKnown } = verdictsAt();
    verdicts.remember('a 1', problem(code), 100);
    t.notOk(isKnown(100), code);
  }
  const { verdicts, isKnown } = verdictsAt();
  verdicts.remember('a 1', new Error('a bug'), 100);
  t.notOk(isKnown(100));
});

t.test('others may keep the answer for a minute', async (t) => {
  t.equal(problemCacheControl('unrenderable'), 'public, max-age=60');
});
