import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { spawnProgram } from '../support/command.ts';

const PROCESSES = 4;
const CLAIMS = 1_500;

t.test(
  'of processes that write on condition to the same keys, one wins each time and no count is lost',
  async (t) => {
    const folder = t.testdir();
    const [root, witnesses] = [join(folder, 'objects'), join(folder, 'witnesses')];
    await mkdir(witnesses, { recursive: true });
    const said = await Promise.all(
      Array.from({ length: PROCESSES }, async () => {
        const words = [root, witnesses, `${CLAIMS}`];
        const child = spawnProgram('test/support/claimer.ts', { words });
        t.teardown(() => child.kill('SIGKILL'));
        return JSON.parse(await text(child.stdout));
      }),
    );
    const objects = await FileObjects.open(root);
    t.same(
      said.flatMap(({ wrong }) => wrong),
      [],
    );
    const counted = said.reduce((sum, { counted }) => sum + counted, 0);
    t.equal((await objects.head('count'))?.metadata['n'], `${counted}`);
  },
);
