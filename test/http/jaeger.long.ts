import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { freePort } from '../support/ports.ts';
import { folderWithPhoto, spawnServer } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

const { JAEGER } = process.env;
const skip = JAEGER ? false : 'JAEGER names no program: .ci/run builds it by Go';

interface Span {
  spanID: string;
  operationName: string;
  references: { refType: string; spanID: string }[];
  tags: { key: string; value: unknown }[];
}

const PORTS = [
  'collector.otlp.grpc',
  'collector.http-server',
  'collector.grpc-server',
  'query.grpc-server',
  'admin.http',
];

t.test('Jaeger takes what we send, and shows a render with its parts', { skip }, async (t) => {
  const [otlp, query] = [await freePort(), await freePort()];
  const others = await Promise.all(
    PORTS.map(async (name) => `--${name}.host-port=127.0.0.1:${await freePort()}`),
  );
  const args = [
    `--collector.otlp.http.host-port=127.0.0.1:${otlp}`,
    `--query.http-server.host-port=127.0.0.1:${query}`,
  ];
  const jaeger = spawn(JAEGER ?? '', ['--collector.otlp.enabled=true', ...args, ...others], {
    stdio: 'ignore',
  });
  t.teardown(async () => {
    jaeger.kill('SIGKILL');
    await once(jaeger, 'exit');
  });
  const tracesOf = async (): Promise<Span[][]> => {
    const answer = await fetch(`http://127.0.0.1:${query}/api/traces?service=rendition-server`).catch(
      () => undefined,
    );
    if (!answer?.ok) return [];
    const { data } = (await answer.json()) as { data: { spans: Span[] }[] };
    return data.map(({ spans }) => spans);
  };
  await waitFor(
    async () => (await fetch(`http://127.0.0.1:${query}/api/services`).catch(() => undefined))?.ok === true,
  );
  const server = await spawnServer({
    DATA_DIR: await folderWithPhoto(t),
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${otlp}`,
  });
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  const answer = await fetch(`${server.base}/img/ladybug.jpg?w=40&fmt=webp`, { headers });
  t.equal(answer.status, 200);
  await answer.arrayBuffer();
  t.equal(await server.end('SIGTERM'), 0, 'what is left is sent before the end');
  await waitFor(async () => (await tracesOf()).some((spans) => spans.length > 5));
  const [spans = []] = await tracesOf();
  const root = spans.find(({ operationName }) => operationName === 'GET /img/*');
  t.equal(answer.headers.get('traceparent'), `00-${traceId}-${root?.spanID}-01`);
  const parts = spans.filter(({ references }) => references[0]?.spanID === root?.spanID);
  const names = new Set(parts.map(({ operationName }) => operationName));
  for (const name of ['fetch', 'queue', 'render', 'store']) t.ok(names.has(name), name);
  t.match(
    root?.tags.find(({ key }) => key === 'http.response.status_code'),
    { value: 200 },
  );
});
