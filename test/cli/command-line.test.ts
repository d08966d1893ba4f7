import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { COMMANDS } from '../../server/cli/commands.ts';
import { run } from '../../server/cli/run.ts';
import { temporaryFolder } from '../support/folders.ts';
import { ROOT } from '../support/markdown.ts';

const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(`${ROOT}package.json`, 'utf8'),
);
const PROGRAM = join(ROOT, 'server/cli/rendition.mjs');

/** A Node that says of itself that it is another one. */
function runOn(version: string, program: string, ...words: string[]) {
  const versions = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } })`;
  const preload = ['--import', `data:text/javascript,${encodeURIComponent(versions)}`];
  const { NODE_OPTIONS: _loaders, ...env } = process.env;
  return spawnSync(process.execPath, [...preload, program, ...words], { cwd: ROOT, encoding: 'utf8', env });
}

t.test('a Node that is too old says so in one line where npm brought none along', async (t) => {
  const alone = join(await temporaryFolder(), 'rendition.mjs');
  copyFileSync(PROGRAM, alone);
  for (const name of ['serve', 'put']) {
    const { status, stdout, stderr } = runOn('20.20.2', alone, name);
    t.equal(status, 1, name);
    t.equal(stdout, '', name);
    t.match(stderr, /^Rendition runs on Node 24 or newer; this is Node 20\.20\.2 \(.*\)\. .*\n$/, name);
  }
});

t.test('and hands over to the one that npm brought along, exit code included', async (t) => {
  t.match(runOn('20.20.2', PROGRAM, 'put'), { status: 2, stderr: /^put needs FILE\./ });
  t.match(
    runOn('100.1.0', PROGRAM, 'put'),
    { status: 2, stderr: /^put needs FILE\./ },
    'a newer one goes on',
  );
});

t.test('every command has help that names its options', async (t) => {
  for (const { name, options, summary } of COMMANDS) {
    const { code, stdout = '' } = await run([name, '--help']);
    t.equal(code, 0, name);
    t.match(stdout, summary.split(' ').slice(0, 3).join(' '), name);
    for (const option of Object.keys(options)) t.match(stdout, `--${option}`, `${name} --${option}`);
  }
});

t.test('a command line that is wrong is exit code 2, and one line before the usage', async (t) => {
  const wrong: [string[], RegExp][] = [
    [['putt'], /^There is no command "putt"\. Did you mean "put"\?/],
    [['put', 'a', '--colour'], /^Unknown option '--colour'/],
    [['put', 'a', 'b', '--id', 'c'], /^--id is for one file/],
    [['put', 'a', '--id'], /^Option '--id <value>' argument missing/],
    [['status'], /^status needs ID\./],
    [['serve', './no-such-folder'], /^\.\/no-such-folder: there is no such folder/],
    [['status', 'a', '--wait', 'long'], /^--wait long: expected seconds/],
    [['warm', 'a'], /^warm needs --variants\./],
    [['stats', 'more'], /^stats takes nothing/],
    [['status', 'a', '--url', 'example.com'], /^--url example\.com: expected an http/],
    [['status', 'a', '--url', 'http://a', '--data', 'b'], /^--url and --data exclude/],
    [['status', 'a', '--token', 'b'], /^--token needs --url/],
    [['token', 'a', '--scope', 'all'], /^--scope all: expected read or write/],
    [['token', 'a;b'], /^"a;b" cannot be the name/],
    [['sign', 'a?w=1', '--kid', 'none'], /^No such key in SIGNING_KEYS: none/],
    [['serve', '--port', 'http'], /^--port http: expected a number/],
  ];
  for (const [words, stderr] of wrong) t.match(await run(words), { code: 2, stderr }, words.join(' '));
});

t.test('the scripts of package.json that are names of commands name those that there are', async (t) => {
  const names = COMMANDS.map(({ name }) => name);
  for (const script of ['start', 'server', 'warmer', 'put', 'scan', 'sign', 'redrive']) {
    const [node, program, name = ''] = (scripts[script] ?? '').split(' ');
    t.same([node, program], ['node', 'server/cli/rendition.mjs'], script);
    t.ok(names.includes(name), `${script}: ${name}`);
  }
});

t.test('what was compiled is kept beside the packages, unless the environment says where', async (t) => {
  const say = "process.stdout.write(process.getBuiltinModule('module').getCompileCacheDir() ?? '')";
  const cacheWith = (env: Record<string, string>) => {
    const { NODE_V8_COVERAGE: _measured, ...rest } = process.env;
    const args = ['--import', './server/cli/compile-cache.mjs', '-e', say];
    return spawnSync(process.execPath, args, { cwd: ROOT, env: { ...rest, ...env }, encoding: 'utf8' })
      .stdout;
  };
  t.ok(cacheWith({}).startsWith(`${ROOT}node_modules/.cache/rendition`), cacheWith({}));
  const own = t.testdir({});
  t.ok(cacheWith({ NODE_COMPILE_CACHE: own }).startsWith(own));
});
