import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { place } from '../../server/core/query/path.ts';
import { PIPELINE } from '../../server/core/version.ts';
import { epochsInBucket, isOutdated } from '../../server/reading/epoch.ts';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { removeOutdated } from '../../server/stores/files/outdated.ts';
import { keysOf } from '../support/api.ts';
import { spawnProgram } from '../support/command.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { warmerOf } from '../support/warmer.ts';

const FORMER = Number(PIPELINE) - 1;
const LATER = Number(PIPELINE) + 1;
const IDS = ['a.jpg', 'b=1/写真 (1).jpg', `x/fmt=png&_=${FORMER}`, `fmt=png&w=9&_=${FORMER}/c.jpg`];
const FORMS = ['fmt=png&w=60', 'fmt=webp&w=9&wm=logo', 'ph=thumbhash'];

/** Where programs of some pipeline and revision put the results of FORMS. */
function placesOf(pipeline: number, revision = ''): string[] {
  const epoch = revision ? `${pipeline}-${revision}` : `${pipeline}`;
  return FORMS.map((form) => place(form, epoch, `${epoch}~m`));
}

const keysWith = (places: readonly string[]): string[] =>
  IDS.flatMap((id) => places.map((form) => `img/${id}/${form}`));

const OLD = keysWith([...placesOf(FORMER), ...placesOf(FORMER, 'fonts2'), ...placesOf(1, 'a'), ...FORMS]);
const KEPT = keysWith([
  ...placesOf(Number(PIPELINE)),
  ...placesOf(Number(PIPELINE), 'fonts2'),
  ...placesOf(LATER),
  ...placesOf(LATER, '9'),
]);

async function folder(t: Test): Promise<string> {
  const made = await temporaryFolder();
  t.teardown(() => removeFolder(made));
  return made;
}

t.test('what this program stores is never outdated, whatever its revision', async (t) => {
  for (const revision of ['', 'fonts2', '0']) {
    const { plain, marked } = epochsInBucket({ revision });
    for (const form of FORMS)
      for (const id of IDS) t.notOk(isOutdated(`img/${id}/${place(form, plain, marked)}`), `${id} ${form}`);
  }
  t.same(OLD.filter(isOutdated), OLD);
  t.same(KEPT.filter(isOutdated), []);
});

t.test('rounds remove the results of former pipelines and no others; counted and told', async (t) => {
  const testWarmer = await warmerOf(t);
  const { stores, rounds, lines } = testWarmer;
  for (const key of [...OLD, ...KEPT])
    await stores.results.put(key, Buffer.from(key), { contentType: 'image/png' });
  await rounds.run();
  t.same((await keysOf(stores.results)).sort(), KEPT.toSorted());
  t.match(await testWarmer.metrics.text(), `rendition_outdated_results_total ${OLD.length}`);
  t.match(
    lines.filter(({ removed }) => removed !== undefined),
    [{ removed: OLD.length, isDone: true, pipeline: PIPELINE, level: 30 }],
  );
  await rounds.run();
  t.match(await testWarmer.metrics.text(), `rendition_outdated_results_total ${OLD.length}`);
});

/** Files of former and of this pipeline in turn; whole objects are not needed to be removed. */
async function many(t: Test, count: number): Promise<string> {
  const root = await folder(t);
  for (let index = 0; index < count; index++) {
    const id = join(root, 'img+', `${String(index).padStart(5, '0')}.jpg+`);
    mkdirSync(id, { recursive: true });
    for (const pipeline of [FORMER, PIPELINE]) writeFileSync(join(id, `fmt=png&_=${pipeline}`), 'x');
  }
  return root;
}

async function walked(
  root: string,
  { epoch = PIPELINE, stopAfter = Number.POSITIVE_INFINITY, maxKeys = 5000 } = {},
) {
  const store = await FileObjects.open(root);
  const looked: string[] = [];
  const round = {
    epoch,
    maxKeys,
    isOutdated: (key: string) => looked.push(key) > 0 && isOutdated(key),
    isStopping: () => looked.length >= stopAfter,
  };
  return { ...(await removeOutdated(store, root, round)), looked };
}

async function remaining(root: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of (await FileObjects.open(root)).keys('')) keys.push(key);
  return keys;
}

t.test('a round is bounded, and the next one goes on behind it', async (t) => {
  const root = await many(t, 300);
  const first = await walked(root, { maxKeys: 500 });
  t.match(first, { removed: 250, isDone: false });
  const second = await walked(root);
  t.match(second, { removed: 50, isDone: true });
  t.equal(second.looked.length, 100);
  t.equal((await remaining(root)).length, 300);
  t.match(await walked(root), { removed: 0, isDone: true, looked: [] }, 'not begun again');
  t.equal((await walked(root, { epoch: '9' })).looked.length, 300, 'but for another pipeline');
  await writeFile(join(root, '.outdated'), '{"epoch":');
  t.equal((await walked(root)).looked.length, 300, 'and where the note cannot be read');
});

t.test('a round that is asked to stop, stops', async (t) => {
  const root = await many(t, 10);
  t.match(await walked(root, { stopAfter: 5 }), { removed: 3, isDone: false });
  t.match(await walked(root), { removed: 7, isDone: true });
  t.ok((await remaining(root)).every((key) => key.endsWith(`&_=${PIPELINE}`)));
});

t.test('after a kill it goes on where it was noted last', async (t) => {
  const root = await many(t, 900);
  const child = spawnProgram('test/support/discarder.ts', { words: [root, '1201'] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  t.same(await ended, [null, 'SIGKILL']);
  t.equal((await remaining(root)).length, 1800 - 601, 'it had removed some');
  const { removed, isDone, looked } = await walked(root);
  t.same([removed, isDone], [299, true]);
  t.equal(looked.length, 1800 - 1000 - 101, 'and only those behind its last note are looked at');
  t.same(
    (await remaining(root)).filter((key) => !key.endsWith(`&_=${PIPELINE}`)),
    [],
  );
  t.equal((await remaining(root)).length, 900);
});
