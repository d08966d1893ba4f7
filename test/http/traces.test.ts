import { randomBytes } from 'node:crypto';
import t from 'tap';
import { openTracing } from '../../server/telemetry/open-tracing.ts';
import { readTraceparent } from '../../server/telemetry/traceparent.ts';
import { ECHO } from '../../server/telemetry/tracing.ts';
import { corpus } from '../support/corpus.ts';
import { otlpReceiver, type ReceivedSpan } from '../support/otlp.ts';
import { bytesOf, startServer } from '../support/server.ts';
import { createWarmer } from '../support/warmer.ts';

const traceOf = () => randomBytes(16).toString('hex');
const SPAN = '00f067aa0ba902b7';

const childrenOf = (spans: readonly ReceivedSpan[], parent: ReceivedSpan | undefined) =>
  spans.filter(({ parentSpanId }) => parent && parentSpanId === parent.spanId).map(({ name }) => name);

t.test('traceparents are read as the specification has them', (t) => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const good = { traceId: trace, spanId: SPAN };
  t.same(readTraceparent(`00-${trace}-${SPAN}-01`), { ...good, isSampled: true });
  t.same(readTraceparent(`00-${trace}-${SPAN}-00`), { ...good, isSampled: false });
  t.same(
    readTraceparent(`00-${trace}-${SPAN}-03`),
    { ...good, isSampled: true },
    'flags that we do not know',
  );
  t.same(readTraceparent(`01-${trace}-${SPAN}-01-more`), { ...good, isSampled: true }, 'a later version');
  const bad = [
    ...[
      '',
      `ff-${trace}-${SPAN}-01`,
      `00-${trace}-${SPAN}-01-more`,
      `00-${trace}-${SPAN}`,
      `0-${trace}-${SPAN}-01`,
    ],
    ...[
      `00-${'0'.repeat(32)}-${SPAN}-01`,
      `00-${trace}-${'0'.repeat(16)}-01`,
      `00-${trace.toUpperCase()}-${SPAN}-01`,
    ],
    ...[
      `00-${trace.slice(1)}-${SPAN}-01`,
      `00-${trace}-${SPAN}-1`,
      `00-${trace}-${SPAN}-01 `,
      `x\r\n00-${trace}`,
    ],
  ];
  for (const header of bad) t.equal(readTraceparent(header), undefined, header);
  t.equal(readTraceparent(undefined), undefined);
  t.equal(readTraceparent([`00-${trace}-${SPAN}-01`, 'x']), undefined);
  t.end();
});

t.test(
  'the trace of who asks is taken over into answer and log, of pictures, hits, refusals and the API',
  async (t) => {
    const server = await startServer({ VERSION_SECONDS: '3600', LOG_HITS: 'all' });
    t.teardown(() => server.close());
    await server.put('a', await corpus('samples/ladybug.jpg'));
    for (const path of [
      '/img/a?w=64&fmt=webp',
      '/img/a?w=64&fmt=webp',
      '/img/a?w=0',
      '/api/images',
      '/nothing',
    ]) {
      const trace = traceOf();
      const traceparent = `00-${trace}-${SPAN}-01`;
      const answer = await server.get(path, { headers: { traceparent } });
      t.equal(answer.headers.get('traceparent'), traceparent, path);
      await bytesOf(answer);
      t.match(
        server.lines.filter(({ trace_id }) => trace_id === trace),
        [{ span_id: SPAN, msg: 'request' }],
        path,
      );
      const none = await server.get(path, { headers: { traceparent: `00-${trace}-x-01` } });
      t.equal(none.headers.get('traceparent'), null, 'what is none is dropped');
      await bytesOf(none);
    }
  },
);

t.test(
  'a render is traced with its parts, a hit as itself, a job from its sending to its store',
  async (t) => {
    const { endpoint, spans } = await otlpReceiver(t);
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `${endpoint}/`, VERSION_SECONDS: '3600', LOG_HITS: 'all' };
    const warmer = await createWarmer(env);
    const server = await startServer({ ...env, DATA_DIR: warmer.config.dataDir });
    await server.put('a', await corpus('samples/ladybug.jpg'));
    const trace = traceOf();
    const headers = { traceparent: `00-${trace}-${SPAN}-01` };
    const miss = await server.get('/img/a?w=64&fmt=webp', { headers });
    await bytesOf(miss);
    await server.composed.images.settle();
    const unsampled = traceOf();
    await bytesOf(
      await server.get('/img/a?w=64&fmt=webp', { headers: { traceparent: `00-${unsampled}-${SPAN}-00` } }),
    );
    const hit = await server.get('/img/a?w=64&fmt=webp');
    await bytesOf(hit);
    await bytesOf(await server.get('/img/none'));
    await warmer.ask('b', await corpus('samples/ladybug.jpg'), ['fmt=webp&w=32', 'fmt=webp&w=48']);
    await warmer.until(async () => (await warmer.variants('b')).every(({ status }) => status === 'ready'));
    await server.close();
    await warmer.close();

    const mine = spans.filter(({ traceId }) => traceId === trace);
    const [root] = mine.filter(({ kind }) => kind === 2);
    t.match(root, {
      name: 'GET /img/*',
      parentSpanId: SPAN,
      service: 'rendition-server',
      attributes: { 'http.response.status_code': 200, 'rendition.tier': 'miss' },
    });
    t.equal(
      miss.headers.get('traceparent'),
      `00-${trace}-${root?.spanId}-01`,
      'the answer names the span of the server',
    );
    t.match(new Set(childrenOf(mine, root)), new Set(['fetch', 'queue', 'open', 'render', 'store']));
    const render = mine.find(({ name }) => name === 'render');
    t.same(childrenOf(mine, render).toSorted(), ['decode', 'encode', 'transform']);
    for (const { name, startMs, endMs } of mine) {
      t.ok(endMs >= startMs, `${name} ends after it begins`);
      t.ok(startMs >= (root?.startMs ?? 0) - 2, `${name} begins with its request`);
    }
    t.same(
      spans.filter(({ traceId }) => traceId === unsampled),
      [],
      'who asks decides',
    );
    const [, hitTrace, hitSpan] = hit.headers.get('traceparent')?.split('-') ?? [];
    const traced = spans.filter(({ traceId }) => traceId === hitTrace);
    t.match(traced, [{ spanId: hitSpan, attributes: { 'rendition.tier': 'memory' } }]);
    t.ok(spans.some(({ attributes }) => attributes['http.response.status_code'] === 404));

    const job = spans.find(({ name }) => name === 'job warm');
    t.match(job, {
      kind: 5,
      service: 'rendition-warmer',
      attributes: { 'rendition.image': 'b', 'rendition.job': 'warm' },
    });
    const parts = childrenOf(spans, job);
    for (const name of ['queue', 'fetch', 'group', 'store']) t.ok(parts.includes(name), name);
    const group = spans.find(({ name, traceId }) => name === 'group' && traceId === job?.traceId);
    t.equal(childrenOf(spans, group).filter((name) => name === 'encode').length, 2, 'one for each variant');
  },
);

t.test(
  'without the setting nothing of OpenTelemetry is loaded, and a receiver that is away costs nobody an answer',
  async (t) => {
    const log = { warn: () => undefined };
    const options = { otlpEndpoint: undefined, service: 'x', version: '0', log };
    t.equal(await openTracing(options), ECHO);
    t.equal(ECHO.request({ method: 'GET', headers: {} }), undefined);
    await ECHO.close();
    const server = await startServer({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
    await server.put('a', await corpus('samples/ladybug.jpg'));
    t.equal((await server.get('/img/a?w=32&fmt=webp')).status, 200);
    await server.close();
    t.ok(server.lines.some(({ msg }) => msg === 'traces are not sent'));
  },
);
