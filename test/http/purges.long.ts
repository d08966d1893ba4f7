import t from 'tap';
import { purgedAtOnce } from './purges.ts';

t.test('sixty purges of one image at once are all done', (t) => purgedAtOnce(t, 60));
