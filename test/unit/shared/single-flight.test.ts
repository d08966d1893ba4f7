import t from 'tap';
import { SingleFlight } from '../../../server/shared/single-flight.ts';

const never = new AbortController().signal;

t.test('shares one piece of work between all who ask meanwhile', async (t) => {
  const flights = new SingleFlight<number>();
  let works = 0;
  let land = (_value: number) => {};
  const work = () => {
    works += 1;
    return new Promise<number>((resolve) => {
      land = resolve;
    });
  };
  const asked = [1, 2, 3].map(() => flights.run('a', never, work));
  land(7);
  t.same(await Promise.all(asked), [
    { value: 7, joined: false },
    { value: 7, joined: true },
    { value: 7, joined: true },
  ]);
  t.equal(works, 1);
  t.equal(flights.size, 0);
  const again = flights.run('a', never, work);
  land(8);
  t.same(await again, { value: 8, joined: false }, 'a landed flight is not boarded');
});

t.test('tells the work to stop when the last passenger leaves, and not before', async (t) => {
  const flights = new SingleFlight<number>();
  const [one, two] = [new AbortController(), new AbortController()];
  let stop: AbortSignal | undefined;
  const work = (signal: AbortSignal) => {
    stop = signal;
    return new Promise<number>((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason)),
    );
  };
  const first = flights.run('a', one.signal, work);
  const second = flights.run('a', two.signal, work);
  one.abort(new Error('left'));
  await t.rejects(first, { message: 'left' });
  t.equal(stop?.aborted, false);
  two.abort(new Error('left too'));
  await t.rejects(second, { message: 'left too' });
  t.equal(stop?.aborted, true);
  t.equal(flights.size, 0);
});

t.test('gives every passenger the failure, and tries anew for the next', async (t) => {
  const flights = new SingleFlight<number>();
  const failing = () => Promise.reject(new Error('broken'));
  const asked = [flights.run('a', never, failing), flights.run('a', never, failing)];
  for (const entry of asked) await t.rejects(entry, { message: 'broken' });
  t.same(await flights.run('a', never, async () => 1), { value: 1, joined: false });
});

t.test('does not begin for a caller who has left already', async (t) => {
  const flights = new SingleFlight<number>();
  const late = AbortSignal.abort(new Error('late'));
  await t.rejects(
    flights.run('a', late, () => Promise.reject(new Error('began'))),
    { message: 'late' },
  );
});
