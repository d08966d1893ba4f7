import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { expressions } from '../support/dashboard.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { freePort } from '../support/ports.ts';
import { folderWithPhoto, spawnServer } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';
import { spawnWarmer } from '../support/warmer.ts';

const { PROMETHEUS, PROMTOOL } = process.env;
const skip = PROMETHEUS ? false : 'PROMETHEUS names no program: .ci/run takes it from Debian';

/** Names that an expression asks for; those of a histogram are three. */
const namesIn = (expr: string): string[] =>
  (expr.match(/\b(?:rendition|process|nodejs)_\w+/g) ?? []).map((name) =>
    name.replace(/_(bucket|sum|count)$/, ''),
  );

t.test(
  'promtool reads every expression of the dashboard, and each metric of it is at /metrics of a program',
  { skip: PROMTOOL ? false : 'PROMTOOL names no program: .ci/run takes it from Debian' },
  async (t) => {
    const folder = t.testdir();
    const rules = expressions().map(({ expr }, index) => ({
      record: `dashboard:${index}`,
      expr: expr.replaceAll('$job', '.*').replaceAll('$__rate_interval', '1m'),
    }));
    // JSON is YAML.
    await writeFile(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    const checked = spawnSync(PROMTOOL ?? '', ['check', 'rules', join(folder, 'rules.yml')], {
      encoding: 'utf8',
    });
    t.match(checked, { status: 0, stdout: new RegExp(`${rules.length} rules found`) }, checked.stderr);
    const env = { DATA_DIR: await folderWithPhoto(t), WARMER_PORT: String(await freePort()) };
    const server = await spawnServer(env);
    t.teardown(() => server.end('SIGKILL'));
    const warmer = await spawnWarmer(env);
    t.teardown(() => warmer.end('SIGKILL'));
    const addresses = [`${server.base}/metrics`, `http://127.0.0.1:${env.WARMER_PORT}/metrics`];
    const texts = await Promise.all(addresses.map(async (address) => (await fetch(address)).text()));
    const exposed = new Set(
      texts.flatMap((text) => [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name)),
    );
    for (const { title, expr } of expressions())
      for (const name of namesIn(expr))
        t.ok(exposed.has(name) || exposed.has(`${name}_count`), `${title}: ${name}`);
  },
);

interface Answer {
  status: string;
  error?: string;
  data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
}

t.test(
  'Prometheus itself scrapes both programs and understands what the dashboard asks',
  { skip },
  async (t) => {
    const folder = await temporaryFolder();
    t.teardown(() => removeFolder(folder));
    const [metricsPort, warmerPort, port] = [await freePort(), await freePort(), await freePort()];
    const env = {
      DATA_DIR: await folderWithPhoto(t),
      METRICS_PORT: String(metricsPort),
      WARMER_PORT: String(warmerPort),
    };
    const server = await spawnServer(env);
    t.teardown(() => server.end('SIGKILL'));
    const warmer = await spawnWarmer(env);
    t.teardown(() => warmer.end('SIGKILL'));
    const jobs = { rendition: metricsPort, 'rendition-warmer': warmerPort };
    const scrapes = Object.entries(jobs).map(
      ([job, target]) => `  - job_name: ${job}\n    static_configs: [{ targets: ['127.0.0.1:${target}'] }]\n`,
    );
    await writeFile(
      join(folder, 'prometheus.yml'),
      `global: { scrape_interval: 1s }\nscrape_configs:\n${scrapes.join('')}`,
    );
    const args = [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/tsdb`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    const prometheus = spawn(PROMETHEUS ?? '', args, { stdio: 'ignore' });
    t.teardown(async () => {
      prometheus.kill('SIGKILL');
      await once(prometheus, 'exit');
    });
    const ask = async (expr: string): Promise<Answer> => {
      const url = `http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query: expr })}`;
      return (await fetch(url)).json() as Promise<Answer>;
    };
    const upOf = async () => (await ask('up').catch(() => undefined))?.data?.result ?? [];
    await waitFor(async () => (await upOf()).filter(({ value }) => value[1] === '1').length === 2);
    await fetch(`${server.base}/img/ladybug.jpg?w=40&fmt=webp`);
    await waitFor(
      async () => (await ask('rendition_requests_total{status="200"}')).data?.result.length === 1,
    );
    for (const { title, expr } of expressions()) {
      const filled = expr.replaceAll('$job', '.*').replaceAll('$__rate_interval', '1m');
      const { status, error } = await ask(filled);
      t.equal(status, 'success', `${title}: ${error ?? filled}`);
    }
    // A scrape that takes longer than its second leaves a gap: beside much else one of the two may be in it.
    await waitFor(async () => {
      const builds = (await ask('rendition_build_info')).data?.result.map(({ metric }) => metric['job']);
      return isDeepStrictEqual(builds?.toSorted(), Object.keys(jobs).toSorted());
    });
  },
);
