import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import t from 'tap';
import { spawnProgram } from '../support/command.ts';
import type { CorpusRow } from '../support/corpus.ts';
import { corpus, corpusRows, manifest } from '../support/corpus.ts';
import type { Outcome } from './outcome.ts';

/** Of one file, for what hangs. */
const DEADLINE_MS = 180_000;
/** Measured: 270 MB, of which the progressive photograph of 20 MP takes 160. */
const MAX_RSS = 600_000_000;

/** Renders the files behind `last` in a child until it ends or hangs; the file that it hung or died at is lost. */
async function outcomesAfter(last: string | undefined): Promise<Outcome[]> {
  const child = spawnProgram('test/corpus/child.ts', { words: last ? [last] : [] });
  const outcomes: Outcome[] = [];
  let busy: string | undefined;
  const kill = () => child.kill('SIGKILL');
  let timer = setTimeout(kill, DEADLINE_MS);
  for await (const line of createInterface({ input: child.stdout })) {
    clearTimeout(timer);
    timer = setTimeout(kill, DEADLINE_MS);
    const message: Outcome & { started?: true } = JSON.parse(line);
    busy = message.started ? message.file : undefined;
    if (!message.started) outcomes.push(message);
  }
  clearTimeout(timer);
  const lost = child.killed ? 'deadline' : 'exit';
  return busy === undefined ? outcomes : [...outcomes, { file: busy, ms: DEADLINE_MS, rss: 0, lost }];
}

async function allOutcomes(count: number): Promise<Map<string, Outcome>> {
  const all: Outcome[] = [];
  for (let before = -1; all.length < count && all.length > before; ) {
    before = all.length;
    all.push(...(await outcomesAfter(all.at(-1)?.file)));
  }
  return new Map(all.map((outcome) => [outcome.file, outcome]));
}

/** Sides of the result of w=64, and whether the manifest's size is that of the original, stored or upright. */
function sizeProblem(row: CorpusRow, { upright, width, height }: Outcome): string | undefined {
  if (!upright || !width || !height) return 'no size';
  const sides = [upright.width, upright.height].sort().join();
  if (sides !== [Number(row.width), Number(row.height)].sort().join())
    return `${sides} is not the size of the manifest`;
  const open = Math.min(64, upright.width);
  // An SVG has no pixels of its own: it is drawn as wide as is asked for.
  const wide = row.file.startsWith('svg/') || row.file.endsWith('.svg') ? 64 : open;
  const scale = Math.min(wide / upright.width, 8192 / upright.height);
  const high = Math.max(1, Math.round(upright.height * scale));
  const expected = { width: Math.max(1, Math.round(upright.width * scale)), height: high };
  return expected.width === width && expected.height === height
    ? undefined
    : `${width} x ${height}, not ${JSON.stringify(expected)}`;
}

const REFUSALS: Readonly<Record<string, RegExp>> = {
  reject: /^(unsupported_source|damaged_source)$/,
  lenient: /^damaged_source$/,
  limit: /^too_many_pixels$/,
};

t.test('the files are those of the manifest, byte for byte', async (t) => {
  for (const row of manifest()) {
    const bytes = await corpus(row.file);
    t.equal(createHash('sha256').update(bytes).digest('hex'), row.sha256, row.file);
  }
});

t.test('every file gives the right picture or a plain reason, in time and in bounded memory', async (t) => {
  const rows = corpusRows();
  const outcomes = await allOutcomes(rows.length);
  for (const row of rows) {
    const outcome = outcomes.get(row.file);
    if (!outcome || outcome.lost || outcome.crash) {
      t.fail(`${row.file} (${row.tests}): ${outcome?.crash ?? outcome?.lost ?? 'nothing'}`);
    } else if (row.outcome === 'decode') {
      t.equal(outcome.code, undefined, `${row.file}: ${row.tests}`);
      t.equal(sizeProblem(row, outcome), undefined, `${row.file} has the right size`);
      t.ok((outcome.off ?? 99) < 1.5, `${row.file} looks as it should: off by ${outcome.off}`);
    } else {
      t.match(outcome.code, REFUSALS[row.outcome], `${row.file}: ${row.tests}`);
      t.match(outcome.detail, /^[A-Z].{15,}\.$/, `${row.file} says why in a sentence`);
      t.notMatch(
        outcome.detail,
        /vips|sharp|buffer|glib|heif:|node:|Error/i,
        `${row.file} shows nothing of the inside`,
      );
    }
  }
  const peak = Math.max(...[...outcomes.values()].map(({ rss }) => rss));
  t.comment(`peak memory of the child: ${Math.round(peak / 1e6)} MB`);
  t.ok(peak < MAX_RSS, `${peak} bytes at most`);
});
