import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import { createLog, type LogSettings } from '../../../server/shared/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'rendition-log-'));
t.teardown(() => rmSync(folder, { recursive: true }));

/** What is written of three lines, the one at debug among them. */
async function written(settings: Partial<LogSettings>, isTerminal: boolean): Promise<string> {
  const path = join(folder, 'log');
  // Left open: a write that is under way, or the last one of a log, would find its file closed and end this process.
  const fd = openSync(path, 'w');
  const { log, flush } = await createLog(
    { logLevel: 'info', logFormat: 'auto', logLevelNames: false, ...settings },
    { fd, isTerminal },
  );
  log.info({ address: 'http://localhost:1', ready: true }, 'listening');
  log.debug('nothing');
  log.warn({ err: new Error('why') }, 'odd');
  await flush();
  return readFileSync(path, 'utf8');
}

t.test('lines are JSON where nobody reads along, with numbers or names of levels', async (t) => {
  const lines = (await written({}, false)).trim().split('\n');
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      { level: 30, time: /^\d{4}-\d\d-\d\dT/, address: 'http://localhost:1', msg: 'listening' },
      { level: 40, err: { message: 'why' }, msg: 'odd' },
    ],
  );
  const named = (await written({ logLevelNames: true }, false)).trim().split('\n');
  t.match(
    named.map((line) => JSON.parse(line)),
    [{ level: 'info' }, { level: 'warn' }],
  );
  t.match(await written({ logFormat: 'json' }, true), /^\{"level":30/, 'or where it is asked for');
});

t.test('lines are words on a terminal, one each but for an error with its stack', async (t) => {
  for (const text of [await written({}, true), await written({ logFormat: 'words' }, false)]) {
    const plain = stripVTControlCharacters(text);
    t.match(plain, /^\[\d\d:\d\d:\d\d\] INFO: listening \{"address":"http:\/\/localhost:1","ready":true\}\n/);
    t.match(plain, /WARN: odd[^\n]*\n.*Error: why/s);
    t.notMatch(plain, 'nothing');
  }
  t.notOk(
    (await written({ logFormat: 'words' }, false)).includes(String.fromCharCode(27)),
    'no colours in a file',
  );
});
