import t from 'tap';
import { Afterwards } from '../../../server/shared/deferred.ts';

t.test('does what waits in its order: in a moment, or when somebody needs it done', async (t) => {
  const afterwards = new Afterwards();
  const done: string[] = [];
  const put = (name: string) => afterwards.later(() => done.push(name));
  put('a');
  put('b');
  await Promise.resolve();
  t.same(done, [], 'the answer goes first');
  afterwards.settle();
  t.same(done, ['a', 'b']);
  put('c');
  await new Promise<void>((resolve) => afterwards.later(resolve));
  t.same(done, ['a', 'b', 'c'], 'each once');
});
