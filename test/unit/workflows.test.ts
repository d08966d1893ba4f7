import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { ROOT } from '../support/markdown.ts';

const FOLDER = `${ROOT}.github/workflows/`;

/** A tag can be moved to other code by whoever owns the action; a commit cannot. */
t.test('every action is pinned by its commit, and says which version that is', async (t) => {
  for (const file of readdirSync(FOLDER)) {
    const uses = readFileSync(FOLDER + file, 'utf8').match(/uses: .*/g) ?? [];
    for (const line of uses) t.match(line, /^uses: (\.\/.*|[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/, file);
  }
});
