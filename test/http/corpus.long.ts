import t from 'tap';
import { manifest } from '../support/corpus.ts';
import { corpusOverHttp } from './corpus.ts';

t.test('every file of the corpus gives a picture or a plain reason over HTTP', (t) =>
  corpusOverHttp(t, manifest()),
);
