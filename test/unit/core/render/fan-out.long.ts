import t from 'tap';
import { looksAlike, QUERIES, SOURCES } from '../../../support/fan-out.ts';

for (const file of SOURCES)
  t.test(`${file}: what is rendered together is what is rendered alone`, (t) => looksAlike(t, file, QUERIES));
