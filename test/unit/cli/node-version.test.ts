import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { ROOT } from '../../support/markdown.ts';

const { scripts }: { scripts: Record<string, string> } = JSON.parse(
  readFileSync(`${ROOT}package.json`, 'utf8'),
);

/** A Node that says of itself that it is another one, started as the script of package.json would be. */
function run(version: string, script: string) {
  const versions = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } })`;
  const [, ...words] = (scripts[script] ?? '').split(' ');
  const preload = ['--import', `data:text/javascript,${encodeURIComponent(versions)}`];
  return spawnSync(process.execPath, [...preload, ...words], { cwd: ROOT, encoding: 'utf8' });
}

t.test('every program says in one line that Node is too old, before it does anything', async (t) => {
  for (const script of ['start', 'server', 'warmer', 'put', 'sign', 'redrive']) {
    const { status, stdout, stderr } = run('20.20.2', script);
    t.equal(status, 1, script);
    t.equal(stdout, '', script);
    t.match(stderr, /^Rendition runs on Node 24 or newer; this is Node 20\.20\.2 \(.*\)\. .*\n$/, script);
  }
  t.match(scripts['test'], /^node server\/cli\/node-version\.mjs && /);
});

t.test('a Node that is new enough goes on', async (t) => {
  for (const version of ['24.0.0', '100.1.0'])
    t.match(run(version, 'put').stderr, /usage: npm run put/, version);
});

t.test('what was compiled is kept beside the packages, unless the environment says where', async (t) => {
  const say = "process.stdout.write(process.getBuiltinModule('module').getCompileCacheDir() ?? '')";
  const cacheWith = (env: Record<string, string>) => {
    const { NODE_V8_COVERAGE: _measured, ...rest } = process.env;
    const args = ['--import', './server/cli/node-version.mjs', '-e', say];
    return spawnSync(process.execPath, args, { cwd: ROOT, env: { ...rest, ...env }, encoding: 'utf8' })
      .stdout;
  };
  t.ok(cacheWith({}).startsWith(`${ROOT}node_modules/.cache/rendition`), cacheWith({}));
  const own = t.testdir({});
  t.ok(cacheWith({ NODE_COMPILE_CACHE: own }).startsWith(own));
});
