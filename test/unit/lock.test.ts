import { readFileSync } from 'node:fs';
import t from 'tap';

interface Locked {
  version?: string;
  integrity?: string;
  license?: string;
  dev?: boolean;
  optionalDependencies?: Record<string, string>;
}

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));
const manifest = read('package.json');
const lock: { packages: Record<string, Locked> } = read('package-lock.json');

/**
 * npm leaves a platform's package out of the lock where the registry at hand does not carry it, and `npm ci`
 * then refuses the whole lock, on every machine.
 */
t.test('the lock names every optional package, so that `npm ci` accepts it anywhere', async (t) => {
  for (const [path, { optionalDependencies = {} }] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const found = lock.packages[`${path}/node_modules/${name}`] ?? lock.packages[`node_modules/${name}`];
      t.ok(found, `${name} ${version}, wanted by ${path || 'the project'}`);
    }
  }
});

t.test('the lock has a hash for every package: what a registry hands out is what was tried', async (t) => {
  const unhashed = Object.entries(lock.packages).filter(([path, { integrity }]) => path && !integrity);
  t.same(
    unhashed.map(([path]) => path),
    [],
  );
});

t.test('one version of the AWS SDK: its pins are equal, and no client is installed twice', async (t) => {
  const pins = Object.entries(manifest.dependencies).filter(([name]) => name.startsWith('@aws-sdk/'));
  t.equal(new Set(pins.map(([, version]) => version)).size, 1, `${pins.map((pin) => pin.join('@'))}`);
  const nested = Object.keys(lock.packages).filter((path) => /.node_modules\/@aws-sdk\/client-/.test(path));
  t.same(nested, []);
});

t.test('versions are exact', async (t) => {
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  for (const [name, version] of Object.entries(all)) t.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
});

t.test('every licence that asks for more than a notice is named in NOTICE', async (t) => {
  const notice = readFileSync(new URL('../../NOTICE', import.meta.url), 'utf8');
  const permissive = /^(MIT|ISC|0BSD|Apache-2\.0|BSD-[23]-Clause|BlueOak-1\.0\.0|CC0-1\.0|Python-2\.0)$/;
  const named = [...notice.matchAll(/@img\/[\w-]+|^[\w-]+(?=, )/gm)].map(([name]) => name);
  for (const [path, { license = '', dev }] of Object.entries(lock.packages)) {
    if (
      path === '' ||
      dev ||
      license
        .replace(/[()]/g, '')
        .split(' OR ')
        .some((name) => permissive.test(name))
    )
      continue;
    t.ok(
      named.some((name) => path.startsWith(`node_modules/${name}`)),
      `${path}: ${license}`,
    );
  }
});

t.test('the image installs by the lock, which it must have before', async (t) => {
  const lines = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8').split('\n');
  const copied = lines.findIndex((line) => /^COPY .*\bpackage\.json package-lock\.json /.test(line));
  const installed = lines.findIndex((line) => line.startsWith('RUN npm ci'));
  t.ok(copied >= 0 && copied < installed, `copied in line ${copied + 1}, installed in ${installed + 1}`);
});
