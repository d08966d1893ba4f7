import t from 'tap';
import { killed } from './start.ts';

t.test('nothing is left of it when its parent is killed', (t) => killed(t, 'its parent'));
