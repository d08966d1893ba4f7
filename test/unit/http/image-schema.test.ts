import fc from 'fast-check';
import t from 'tap';
import { ROWS } from '../../../server/core/operations/table.ts';
import { readValue } from '../../../server/core/query/values.ts';
import { parameterSchema } from '../../../server/http/image-schema.ts';

interface Form {
  type?: string;
  enum?: string[];
  pattern?: string;
  anyOf?: Form[];
}

/** What of a form is about text; numbers have bounds in place of one. */
const takes = (form: Form, text: string): boolean => {
  if (form.anyOf) return form.anyOf.some((each) => takes(each, text));
  if (form.enum) return form.enum.includes(text.toLowerCase());
  return form.pattern === undefined
    ? text.trim() !== '' && Number.isFinite(Number(text))
    : new RegExp(form.pattern).test(text);
};

const WORDS = [
  'r',
  'red',
  '#fff',
  'fff8',
  '0',
  '1',
  '-7',
  '0.25',
  '16',
  '9',
  '300k',
  '2M',
  'auto',
  'transparent',
  'png',
  '',
];
const texts = fc
  .array(fc.oneof(fc.constantFrom(...WORDS), fc.integer({ min: -9, max: 9999 }).map(String)), {
    minLength: 1,
    maxLength: 5,
  })
  .chain((parts) => fc.constantFrom(',', ':', 'x', '').map((mark) => parts.join(mark)));

t.test('what is read has the form that the document tells', (t) => {
  let read = 0;
  for (const { key, param } of ROWS.filter((row) => row.key !== 'p')) {
    const schema: Form = parameterSchema({ key, ...param.rule }, param.doc, {});
    fc.assert(
      fc.property(texts, (text) => {
        if (param.rule.grammar.every((grammar) => readValue(grammar, text, 1) === undefined)) return;
        read += 1;
        if (!takes(schema, text))
          throw new Error(`${key}=${text} is read, and ${JSON.stringify(schema)} says no`);
      }),
      { numRuns: 400, seed: 14 },
    );
    if (schema.pattern) t.notOk(takes(schema, ''), `${key}: nothing is no value`);
  }
  t.ok(read > 1000, `${read} values`);
  t.end();
});
