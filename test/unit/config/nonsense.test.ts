import t from 'tap';
import { loadConfig, SETTINGS } from '../../../server/config/settings.ts';

/** What people and deployments put into a variable by mistake, and what nearly fits one parser or another. */
const NONSENSE = [
  ' ',
  'x',
  '-1',
  '1.5',
  '1e3',
  '99999999999999',
  '0',
  'true',
  'yes',
  '5XB',
  '1,2',
  ',',
  'a=',
  '=b',
  'a=b',
  'a=b;',
  'a=b;a=c',
  'a=w=0',
  'a=read:00',
  `a=read:${'0'.repeat(64)}`,
  'k=zz',
  'k=abc',
  'http:',
  'ftp://a',
  'http://a b',
  'https://a/b?c',
  '*',
  '/nowhere/at/all',
  'w=0',
  'w=10;w=',
  '%',
  '\u0000',
];

t.test('every setting takes a value or names itself, whatever it is given', async (t) => {
  for (const { variable } of Object.values(SETTINGS)) {
    const wrong: string[] = [];
    for (const value of NONSENSE) {
      try {
        loadConfig({ [variable]: value });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        if (!text.includes(variable)) wrong.push(`${JSON.stringify(value)}: ${text}`);
      }
    }
    t.same(wrong, [], variable);
  }
});
