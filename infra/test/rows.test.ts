import t from 'tap';
import { deciders, RULES } from '../../server/core/operations/table.ts';
import { INDEX } from '../../server/core/operations/transformation.ts';
import { canonicalize } from '../../server/core/query/canonical.ts';
import type { Pairs, Rule } from '../../server/core/query/rule.ts';
import { VALUES } from '../../test/support/one-picture.ts';
import { combinations } from '../../test/support/twins.ts';
import { IMPLIED } from '../edge/build.ts';
import { rulePieces } from '../edge/pack.ts';
import { rulesOf } from '../edge/rows.ts';

const ROWS = rulePieces().pieces.join('');
/** Of a key, beside its absence: values that conditions name, and one that none does. */
const MOST_VALUES = 4;
/** Combinations of a rule; of more, every so many. */
const MOST_COMBINATIONS = 600;

/** Values of a key that some condition names. */
function namedValues(key: string): string[] {
  const words = RULES.flatMap(({ idle = [], needs = [], never = [] }) => [
    ...idle,
    ...needs,
    ...never,
  ]).flatMap((condition) => condition.split(' '));
  return words.flatMap((word) => (word.startsWith(`${key}=`) ? [word.slice(key.length + 1)] : []));
}

const valuesOf = (key: string): string[] => {
  const values = new Set([...namedValues(key), ...(VALUES[key] ?? [])]);
  return ['', ...[...values].slice(0, MOST_VALUES)];
};

/** Queries in which a rule stands beside all that decides about it. */
function queriesAbout(rule: Rule): Pairs[] {
  const keys = [rule.key, ...new Set(deciders(rule))];
  const few = keys.length > 5 ? 2 : MOST_VALUES + 1;
  const all = combinations(Object.fromEntries(keys.map((key) => [key, valuesOf(key).slice(0, few)])));
  const step = Math.ceil(all.length / MOST_COMBINATIONS);
  return all.filter((_, index) => index % step === 0);
}

const readBy = (index: typeof INDEX, pairs: Pairs): string => {
  const read = canonicalize(index, pairs, {});
  return 'error' in read ? read.error.code : read.canonical;
};

t.test(
  'what depends on the presence of others is read alike from the rows that a query asks for',
  async (t) => {
    let count = 0;
    for (const rule of RULES) {
      const differences = queriesAbout(rule).flatMap((pairs) => {
        count++;
        const index = rulesOf(ROWS, [...pairs.map(([key]) => key), ...IMPLIED]);
        const [server, edge] = [readBy(INDEX, pairs), readBy(index, pairs.toReversed())];
        return server === edge ? [] : [{ pairs, server, edge }];
      });
      t.same(differences.slice(0, 2), [], rule.key);
    }
    t.comment(`${count} queries`);
  },
);
