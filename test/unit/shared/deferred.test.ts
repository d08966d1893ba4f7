import t from 'tap';
import { Deferred } from '../../../server/shared/deferred.ts';

t.test('does what waits in its order: in a moment, or when somebody needs it done', async (t) => {
  const deferred = new Deferred();
  const done: string[] = [];
  const put = (name: string) => deferred.afterResponse(() => done.push(name));
  put('a');
  put('b');
  await Promise.resolve();
  t.same(done, [], 'the answer goes first');
  deferred.flush();
  t.same(done, ['a', 'b']);
  put('c');
  await new Promise<void>((resolve) => deferred.afterResponse(resolve));
  t.same(done, ['a', 'b', 'c'], 'each once');
});
