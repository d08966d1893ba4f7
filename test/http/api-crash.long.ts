import t from 'tap';
import { killedAmidUploads } from './api-kills.ts';

t.test('a server that is killed while it takes uploads in loses none, however far it had come', (t) =>
  killedAmidUploads(t, 3),
);
