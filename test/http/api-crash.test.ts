import t from 'tap';
import { killedAmidUploads } from './api-kills.ts';

t.test('a server that is killed while it takes uploads in loses none that it accepted', (t) =>
  killedAmidUploads(t, 1),
);
