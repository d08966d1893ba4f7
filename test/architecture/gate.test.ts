import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { ROOT } from '../support/markdown.ts';

/** The part of .ci/run that runs tap and counts, with a tap that says what is given: at first, and once more. */
const COUNTING = readFileSync(`${ROOT}.ci/run`, 'utf8').split(/^(?=# One figure|skip\(\))/m)[1] ?? '';
const PROGRAM = `set -uo pipefail
passed=0 failed=0 skipped=0 log=$(mktemp) failures=$(mktemp) unsteady=$(mktemp)
${COUNTING}
npx() { printf '%s\\n' "$SECOND"; return "$SECOND_EXIT"; }
tap() { printf '%s\\n' "$FIRST"; return "$FIRST_EXIT"; }
step 'a step' tests tap
rm -f "$log" "$failures" "$unsteady"`;

const FAILED = '    not ok 2 - inner\nnot ok 1 - test/a.test.ts # time=3ms';
const END = '# { total: 10, pass: 8, fail: 1, skip: 1 }';
const GOOD = ['ok 1 - test/a.test.ts\n# { total: 3, pass: 3 }', 0] as const;
const BAD = ['not ok 1 - test/a.test.ts\n# { total: 3, pass: 2, fail: 1 }', 1] as const;

const ROWS = {
  'all is well': [['# { total: 10, pass: 10 }', 0], BAD, '10 passed, 0 failed, 0 skipped (exit 0)'],
  'passes alone': [[`${FAILED}\n${END}`, 1], GOOD, '9 passed, 0 failed, 1 skipped (exit 0)'],
  'fails again': [[`${FAILED}\n${END}`, 1], BAD, '8 passed, 1 failed, 1 skipped (exit 1)'],
  'broke off': [[FAILED, 137], GOOD, '0 passed, 1 failed, 0 skipped (exit 137)'],
  'more than files': [
    [`${FAILED}\nnot ok 2 - no test left its server open\n${END}`, 1],
    GOOD,
    '8 passed, 1 failed, 1 skipped (exit 1)',
  ],
  'coverage as well': [
    [`${FAILED}\n${END}\nERROR: Coverage for lines (97%)`, 1],
    GOOD,
    '8 passed, 1 failed, 1 skipped (exit 1)',
  ],
  'nothing ran': [['error TS2322', 2], GOOD, '0 passed, 1 failed, 0 skipped (exit 2)'],
} as const;

t.test(
  'a second turn forgives files that failed in a run that came to its end, and nothing else',
  async (t) => {
    for (const [name, [first, second, expected]] of Object.entries(ROWS)) {
      const [FIRST, SECOND] = [first[0], second[0]];
      const env = { ...process.env, FIRST, FIRST_EXIT: `${first[1]}`, SECOND, SECOND_EXIT: `${second[1]}` };
      const { stdout, stderr } = spawnSync('bash', ['-c', PROGRAM], { env, encoding: 'utf8' });
      t.match(stdout, `--- a step: ${expected}`, name);
      t.notMatch(stderr, /unbound|syntax|expected/, name);
    }
  },
);
