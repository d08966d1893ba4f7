import t from 'tap';
import { headed, indexed, passesThrough } from './api-memory.ts';

const options = process.platform === 'linux' ? {} : { skip: 'reads /proc' };
t.test('a tiff of 190 MB goes through without ever lying whole in memory', options, async (t) =>
  passesThrough(t, 'tiff', indexed()),
);

t.test('a png of 190 MB goes through without ever lying whole in memory', options, async (t) =>
  passesThrough(t, 'png', await headed()),
);
