import type { RecordsUnderTest } from './records.suite.ts';
import { type Case, newImage, present, rejection } from './suite.ts';

/** Changes that take jobs along. */
export function toldCases(it: Case, { records, jobs }: RecordsUnderTest): void {
  const { images } = records;
  const received = async (): Promise<string[]> =>
    ((await jobs?.receive({ max: 10, waitSeconds: 0, visibilitySeconds: 900 })) ?? []).map(
      ({ body }) => body,
    );

  it('a change takes its jobs along wherever it says so, and refuses them elsewhere', async (t) => {
    const { id } = newImage();
    await images.create(newImage(id));
    t.equal(records.takesJobs, jobs !== undefined);
    if (!jobs) {
      t.match(await rejection(images.update(id, 1, { title: 'a' }, [{ body: 'a' }])), { name: 'TypeError' });
      t.notOk('title' in present(await images.get(id)), 'nothing is written');
      t.match(await images.update(id, 1, { title: 'a' }, []), { title: 'a' }, 'none at all are fine');
      return;
    }
    t.match(await images.update(id, 1, { title: 'a' }, [{ body: 'a', key: 'k' }, { body: 'b' }]), {
      revision: 2,
    });
    t.same(await received(), ['a', 'b']);
    t.equal(await images.update(id, 1, { title: 'b' }, [{ body: 'c' }]), undefined);
    t.same(await received(), [], 'who was overtaken sends nothing');
    const long = 'x'.repeat(256 * 1024 + 1);
    t.match(await rejection(images.update(id, 2, { title: 'b' }, [{ body: long }])), { name: 'RangeError' });
    t.match(await images.get(id), { title: 'a', revision: 2 }, 'and what cannot be sent changes nothing');
    t.match(await images.update(id, 2, { title: 'c' }, [{ body: 'd', delaySeconds: 900 }]), { revision: 3 });
    t.same(await received(), [], 'a delay holds');
  });
}
