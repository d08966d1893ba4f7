import t from 'tap';
import { errorOf, failureOf } from '../../../server/sandbox/failure.ts';
import { errorText, withContext } from '../../../server/shared/error-text.ts';
import { isProblem, Problem } from '../../../server/shared/errors.ts';
import { rejection } from '../../contract/suite.ts';

t.test('an error is told to another process, and is the same there', async (t) => {
  const causes = [undefined, new Error('why'), 'a word', new Error('', { cause: new Error('deeper') })];
  for (const cause of causes) {
    const problem = new Problem('damaged_source', 'It is damaged.', { received: 'x' }, cause);
    const told = errorOf(structuredClone(failureOf(problem)));
    if (!isProblem(told)) return t.fail(`no Problem: ${told}`);
    t.match(told, { code: 'damaged_source', detail: 'It is damaged.', facts: { received: 'x' } });
    t.equal(told.cause instanceof Error ? told.cause.message : undefined, cause && errorText(cause));
  }
  for (const error of [new Error('plain', { cause: new Error('behind') }), 'thrown text', 7]) {
    const told = errorOf(structuredClone(failureOf(error)));
    t.notOk(isProblem(told));
    t.equal(told.message, errorText(error));
  }
});

t.test('the text of an error names each cause once, outermost first, and ends', async (t) => {
  const behind = (message: string, cause: unknown) => new Error(message, { cause });
  t.equal(errorText(behind('a', behind('b', 'c'))), 'a: b: c');
  t.equal(
    errorText(behind('listen EADDRINUSE', new Error('EADDRINUSE'))),
    'listen EADDRINUSE',
    'said already',
  );
  t.equal(errorText(new TypeError()), 'TypeError', 'without a message its name');
  const circular = new Error('round');
  circular.cause = behind('and round', circular);
  t.equal(errorText(circular), 'round: and round');
  const deep = Array.from({ length: 20 }, (_, n) => `cause ${n}.`).reduceRight<unknown>(
    (cause, text) => behind(text, cause),
    undefined,
  );
  t.equal(errorText(deep).split(': ').length, 8);
});

t.test('what goes wrong is said to be of a setting, with the error behind a Problem', async (t) => {
  t.equal(await withContext('PORT', () => 7), 7);
  const behind = new Error('EACCES');
  const of = (error: unknown) => rejection(withContext('PORT="80"', () => Promise.reject(error)));
  t.match(await of(behind), { message: 'PORT="80"', cause: behind });
  t.match(await of(new Problem('store_unavailable', 'Later.', {}, behind)), { cause: behind });
  const alone = new Problem('store_unavailable', 'Later.');
  t.match(await of(alone), { cause: alone });
  t.match(await of('a word'), { cause: 'a word' });
});
