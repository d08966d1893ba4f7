import t from 'tap';
import { memoize } from '../../../server/shared/memoize.ts';

t.test(
  'calls the function again only for a text that is no longer cached, and for one that failed',
  async (t) => {
    const asked: string[] = [];
    const read = memoize((text) => {
      asked.push(text);
      if (text === 'bad') throw new Error(text);
      return { text };
    }, 2);
    t.equal(read('a'), read('a'));
    read('b');
    read('a');
    read('c');
    t.same(asked, ['a', 'b', 'c']);
    read('a');
    t.same(asked, ['a', 'b', 'c'], 'used since: still there');
    read('b');
    t.same(asked, ['a', 'b', 'c', 'b'], 'the least recently used went');
    for (const _ of [1, 2]) t.throws(() => read('bad'), /bad/);
    t.same(asked.slice(4), ['bad', 'bad']);
  },
);
