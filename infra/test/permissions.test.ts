import t from 'tap';
import { PERMISSIONS, type Program, type Target } from '../stacks/permissions.ts';
import { ACTIONS, callsIn, callsOf, loadedBy } from './support/calls.ts';

type Files = ReadonlyMap<string, string>;

/** Which bucket a variable or field of this name holds; `objects` depends on the file that wraps it. */
function bucketOf(file: string, receiver: string): Target {
  if (receiver !== 'objects') return receiver === 'originals' ? 'originals' : 'results';
  return file === 'server/reading/originals.ts' ? 'originals' : 'results';
}

const OBJECT_CALL = /\b(originals|results|objects)\.(head|get|put|copy|remove|removeAll|list|ping)\(/g;
const LETTER_CALL = /\bdeadLetters\.(receive|extend|remove)\(/g;
const JOB_CALL = /\b(?:jobs|queue)\.(send|receive|extend|remove|depth|redrive|ping)\(/g;

/** Classes that wrap a bucket have methods of the bucket's names: a call of theirs is not one of the bucket's. */
function isWrapper(file: string, receiver: string, files: Files): boolean {
  const text = files.get(file) ?? '';
  return new RegExp(`\\b${receiver}: (Originals|Results)\\b`).test(text);
}

/**
 * The management side is put together whole and read by the part: what makes a part's calls, and its name there.
 * A program that never reads the name never makes the calls.
 */
const PARTS: Readonly<Record<string, string>> = {
  'server/writing/presigned-uploads.ts': 'presignedUploads',
  'server/writing/library.ts': 'library',
  'server/writing/notify.ts': 'deliver',
  'server/writing/presign.ts': 'presignedUploads',
  'server/writing/repeats.ts': 'uploads',
  'server/writing/fetched-originals.ts': 'fetches',
  'server/writing/replace.ts': '(?:uploads|fetches)',
  'server/writing/uploads.ts': 'uploads',
};

function isRead(part: string, files: Files): boolean {
  const read = new RegExp(`[{,.] ?${part}\\b(?=[ ,}.(])`);
  // Routes are loaded for their types, too; they make calls where the app is built.
  const idle = (file: string) => file.startsWith('server/http/') && !files.has('server/http/app.ts');
  return [...files].some(
    ([file, text]) =>
      file !== 'server/compose/management.ts' && !(file in PARTS) && !idle(file) && read.test(text),
  );
}

/** Calls by what they are made on, as far as the program's files make them. */
function callsBy(files: Files): [string, Target][] {
  const calls: [string, Target][] = [];
  const s3 = [...files]
    .flatMap(([file, text]) => (file.startsWith('server/stores/s3/') ? [text] : []))
    .join('\n');
  const sqs = files.get('server/stores/sqs/jobs.ts') ?? '';
  for (const [file, text] of files) {
    if (file.startsWith('server/stores/dynamodb/table'))
      calls.push(...callsIn(text).map((call): [string, Target] => [call, 'records']));
    if (file.startsWith('server/stores/')) continue;
    const part = PARTS[file];
    if (part && !isRead(part, files)) continue;
    for (const call of callsIn(text))
      calls.push([
        call,
        call === 'Publish' ? 'notifications' : call === 'PresignedPost' ? 'originals' : 'cdn',
      ]);
    for (const [, receiver, method] of text.matchAll(OBJECT_CALL)) {
      if (isWrapper(file, String(receiver), files)) continue;
      calls.push(...callsOf(s3, String(method), bucketOf(file, String(receiver))));
    }
    for (const [, method] of text.matchAll(LETTER_CALL))
      calls.push(...callsOf(sqs, String(method), 'deadLetters'));
    for (const [, method] of text.matchAll(JOB_CALL)) calls.push(...callsOf(sqs, String(method), 'queue'));
  }
  return calls;
}

/** `target+part action`, as both sides are compared. */
function needed(files: Files): string[] {
  const rows = callsBy(files).flatMap(([call, target]) => {
    const actions = ACTIONS[call];
    if (!actions) throw new Error(`No IAM action is known for ${call}: add it to ACTIONS`);
    return actions.map(([action, part]) => `${target}${part} ${action}`);
  });
  return [...new Set(rows)].sort();
}

const granted = (program: Program): string[] =>
  PERMISSIONS[program]
    .flatMap(([target, part, actions]) => actions.map((action) => `${target}${part} ${action}`))
    .sort();

for (const program of ['server', 'warmer'] as const) {
  const files = loadedBy(`${program}/main.ts`);
  const skip = files ? false : `${program}/main.ts is not written yet`;
  t.test(`the ${program}’s role has what its code calls, no less and no more`, { skip }, async (t) => {
    const wanted = needed(files ?? new Map());
    t.comment(`${program}: ${files?.size} files, ${wanted.length} action and resource pairs`);
    t.same(
      granted(program).filter((one) => !wanted.includes(one)),
      [],
      'nothing too much',
    );
    t.same(
      wanted.filter((one) => !granted(program).includes(one)),
      [],
      'nothing is missing',
    );
  });
}

t.test('an unknown call is noticed', async (t) => {
  const files = new Map([['server/x.ts', 'client.send(new TagObjectCommand({}))']]);
  t.throws(() => needed(files), { message: 'No IAM action is known for TagObject: add it to ACTIONS' });
});
