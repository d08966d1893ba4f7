import t, { type Test } from 'tap';
import { SpaceSaving } from '../../../server/shared/space-saving.ts';
import { seeded } from '../../support/seeded.ts';
import { zipf } from '../../support/zipf.ts';

const PLACES = 50;

function stream(seed: number, length: number): string[] {
  const random = seeded(seed);
  const draw = zipf(2000, random);
  return Array.from({ length }, () => `key ${draw()}`);
}

function exactly(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function sketchOf(keys: readonly string[]): SpaceSaving {
  const sketch = new SpaceSaving(PLACES);
  for (const key of keys) sketch.add(key, [1]);
  return sketch;
}

/** What holds of a sketch of this stream, however it came to be. */
function check(t: Test, sketch: SpaceSaving, keys: readonly string[]): void {
  const exact = exactly(keys);
  t.ok(sketch.entries.length <= PLACES, 'bounded');
  for (const [key, count] of exact)
    if (count > keys.length / PLACES) t.ok(sketch.get(key), `${key} came ${count} times`);
  for (const [key, { count, error, sums }] of sketch.entries) {
    const times = exact.get(key) ?? 0;
    t.ok(count >= times && count - error <= times, `${key}: ${count - error} to ${count} for ${times}`);
    t.ok((sums[0] ?? 0) <= times, 'sums are of what was seen');
  }
}

t.test('whatever comes more often than once in places times is in, and bounds are bounds', async (t) => {
  for (const seed of [1, 2, 3]) {
    const keys = stream(seed, 20_000);
    check(t, sketchOf(keys), keys);
  }
});

t.test('so it is of two sketches that were merged, in either order', async (t) => {
  const [a, b] = [stream(4, 5_000), stream(5, 15_000)];
  check(t, sketchOf(a).merged(sketchOf(b)), [...a, ...b]);
  check(t, sketchOf(b).merged(sketchOf(a)), [...a, ...b]);
});

t.test('keys that come once each push no key up for which anything is sure', async (t) => {
  const odd = Array.from({ length: 10_000 }, (_, n) => `odd ${n}`);
  const sketch = sketchOf(odd);
  for (const [, { count, error }] of sketch.entries) t.equal(count - error, 1);
});

t.test('scaled, everything counts for less', async (t) => {
  const sketch = sketchOf(['a', 'a', 'b']).scaled(0.5);
  t.same(sketch.entries, [
    ['a', { count: 1, error: 0, sums: [1] }],
    ['b', { count: 0.5, error: 0, sums: [0.5] }],
  ]);
});
