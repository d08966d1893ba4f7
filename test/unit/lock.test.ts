import { readFileSync } from 'node:fs';
import t from 'tap';

interface Locked {
  version?: string;
  optionalDependencies?: Record<string, string>;
}

/**
 * npm leaves a platform's package out of the lock where the registry at hand does not carry it, and `npm ci`
 * then refuses the whole lock, on every machine. Such rows are written by hand, without a hash.
 */
t.test('the lock names every optional package, so that `npm ci` accepts it anywhere', async (t) => {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));
  const packages: Record<string, Locked> = lock.packages;
  for (const [path, { optionalDependencies = {} }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const found = packages[`${path}/node_modules/${name}`] ?? packages[`node_modules/${name}`];
      t.ok(found, `${name} ${version}, wanted by ${path || 'the project'}`);
    }
  }
});

t.test('versions are exact', async (t) => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  for (const [name, version] of Object.entries(all)) t.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
});
