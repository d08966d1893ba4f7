import t from 'tap';
import { killed } from './start.ts';

t.test('nothing is left of it when npm start is killed', (t) => killed(t, 'npm start'));
