import { globSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import t from 'tap';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Files of tests that run in one process, by the name of the file in test/runs that runs them. Each alone would spend
 * two seconds of the processor on its imports, its render processes and its share of the coverage report: more than
 * most of them test for. As many as keep two cores busy to the end; the runner begins them in the order of their
 * names, and the longest come first.
 *
 * Each of these is left out in .taprc.
 */
export const RUNS = {
  '0-http-a-o': 'test/http/{access,aws,[b-o]*}.test.ts',
  '0-unit-core': 'test/unit/core/**/*.test.ts',
  '0-warmer-o-s': 'test/warmer/[o-s]*.test.ts',
  '0-warmer-t-z': 'test/warmer/[t-z]*.test.ts',
  '1-contract': 'test/contract/*.test.ts',
  '2-http-p-z': 'test/{browser/*,http/[p-z]*}.test.ts',
  '3-warmer-a-n': 'test/warmer/[a-n]*.test.ts',
  '4-unit-rest': 'test/unit/{*,!(core)/**/*}.test.ts',
  '5-http-api': 'test/{http/api-*,client/*}.test.ts',
  '6-cli-pictures': 'test/{architecture,cli,corpus,crash/steps,golden}/*.test.ts',
} as const;

/** Files that a pattern names, from the root, in the order of the alphabet. */
export const testFiles = (pattern: string): string[] => globSync(pattern, { cwd: ROOT }).toSorted();

/** After which what is still open is given up. */
const LEFT_OPEN_MS = 60_000;
/** Of one test, on a machine that does much else. A wait of its own ends before and says what for: wait.ts. */
const TEST_MS = 600_000;

/**
 * Runs the files of a row one after another. A file must not await a test at its top level: its tests begin when it has
 * been imported.
 */
export async function runTogether(run: keyof typeof RUNS): Promise<void> {
  // Counts from here on each time: what hangs is named and holds nobody up for longer, however long all of them take.
  t.beforeEach(() => t.setTimeout(TEST_MS));
  for (const file of testFiles(RUNS[run]))
    await t.test(file, async () => {
      await import(pathToFileURL(ROOT + file).href);
    });
  // A test that fails may leave its server open, which would keep this process for ever.
  t.teardown(() => {
    setTimeout(() => process.exit(), LEFT_OPEN_MS).unref();
  });
}
