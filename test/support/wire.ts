import { once } from 'node:events';
import {
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { addressOf } from './ports.ts';

/**
 * What becomes of an answer: `stall` never comes, `reset` ends the connection, `cut` breaks off in the middle of its
 * body, `short` has half of its body and says so, `flip` has one bit of its body changed, `fail` is a 500 that never
 * reached the store, `lose` ends the connection once the store has answered, `slow` comes late, `throttle` refuses for
 * the rate of requests, in each way in turn that the store has, `twice` reaches the store once more some time later.
 */
export type Fault =
  | 'stall'
  | 'reset'
  | 'cut'
  | 'short'
  | 'flip'
  | 'fail'
  | 'lose'
  | 'slow'
  | 'throttle'
  | 'twice';

/** ms; what a budget of a few hundred bears once, and not often. */
const SLOW_MS = 200;

const json = (type: string) => ({ status: 400, type: 'application/x-amz-json-1.0', body: { __type: type } });
const cancelled = {
  ...json('com.amazonaws.dynamodb.v20120810#TransactionCanceledException'),
  body: {
    __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
    CancellationReasons: [{ Code: 'ThrottlingError' }, { Code: 'None' }],
  },
};

/** How each store says that there are too many requests, as its API reference has it. */
const THROTTLES = {
  s3: [
    { status: 503, type: 'application/xml', body: '<Error><Code>SlowDown</Code></Error>' },
    { status: 503, type: 'application/xml', body: '<Error><Code>ServiceUnavailable</Code></Error>' },
  ],
  dynamodb: [
    json('com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException'),
    json('com.amazon.coral.availability#ThrottlingException'),
    json('com.amazonaws.dynamodb.v20120810#RequestLimitExceeded'),
    cancelled,
  ],
  sqs: [
    json('com.amazonaws.sqs#RequestThrottled'),
    json('com.amazon.coral.availability#ThrottlingException'),
  ],
} as const;

/** The cancelled transaction is told of transactions alone. */
function throttle(incoming: IncomingMessage, outgoing: ServerResponse, turn: number): void {
  const target = String(incoming.headers['x-amz-target'] ?? '');
  const store = target.startsWith('DynamoDB') ? 'dynamodb' : target.startsWith('AmazonSQS') ? 'sqs' : 's3';
  const ways = THROTTLES[store].filter((way) => way !== cancelled || target.includes('Transact'));
  const { status, type, body } = ways[turn % ways.length] ?? cancelled;
  incoming.resume();
  outgoing
    .writeHead(status, { 'content-type': type })
    .end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** A wire between a program and a store. */
export interface Wire {
  readonly endpoint: string;
  /** Of the requests that it is true of; undefined: of none. */
  fault:
    | {
        readonly kind: Fault;
        readonly hits: (method: string, url: string, headers: IncomingHttpHeaders) => boolean;
      }
    | undefined;
  /** Requests that wait for an answer that never comes. */
  readonly stalled: number;
  /** Answers that were not what the store had sent. */
  readonly harmed: number;
  stop(): Promise<void>;
}

/**
 * @param target           URL of the store
 * @param keepsConditions  whether writes on condition are refused on the way, as S3 does and fauxqs 2.4 does not
 */
export async function startWire(
  target: string,
  { keepsConditions = false }: { keepsConditions?: boolean } = {},
): Promise<Wire> {
  let [stalled, harmed] = [0, 0];
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method = 'GET', url = '/', headers } = incoming;
    const kind = wire.fault?.hits(method, url, headers) ? wire.fault.kind : undefined;
    if (kind) harmed += 1;
    if (kind === 'reset') return void incoming.socket.resetAndDestroy();
    if (kind === 'stall') {
      stalled += 1;
      incoming.socket.once('close', () => {
        stalled -= 1;
      });
      return void incoming.resume();
    }
    if (kind === 'fail') return void outgoing.writeHead(500).end();
    if (kind === 'slow') await sleep(SLOW_MS);
    if (kind === 'throttle') return throttle(incoming, outgoing, harmed);
    const refusal = keepsConditions ? await refusalOf(incoming, target) : undefined;
    if (refusal) {
      incoming.resume();
      await once(incoming, 'end');
      if (kind === 'lose') return void incoming.socket.resetAndDestroy();
      const xml = `<?xml version="1.0"?><Error><Code>${refusal.code}</Code><Message>no</Message></Error>`;
      return void outgoing.writeHead(refusal.status, { 'content-type': 'application/xml' }).end(xml);
    }
    const forwarded = request(new URL(url, target), { method, headers });
    if (kind === 'twice') await sendTwice(incoming, forwarded, new URL(url, target));
    else incoming.pipe(forwarded);
    const [answer]: IncomingMessage[] = await once(forwarded, 'response');
    if (kind === 'lose') {
      answer?.resume();
      return void incoming.socket.resetAndDestroy();
    }
    if (answer) send(answer, await buffer(answer), outgoing, kind);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = addressOf(server);
  const wire: Wire = {
    endpoint: `http://127.0.0.1:${port}`,
    fault: undefined,
    get stalled() {
      return stalled;
    },
    get harmed() {
      return harmed;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return wire;
}

/** ms after which a request is sent once more: others have overtaken it by then. */
const AGAIN_MS = 1_500;

async function sendTwice(incoming: IncomingMessage, first: ClientRequest, target: URL): Promise<void> {
  const { method = 'POST', headers } = incoming;
  const body = await buffer(incoming);
  first.end(body);
  setTimeout(() => {
    request(target, { method, headers }, (answer) => answer.resume())
      .on('error', () => undefined)
      .end(body);
  }, AGAIN_MS);
}

function send(answer: IncomingMessage, body: Buffer, outgoing: ServerResponse, kind?: Fault): void {
  const half = body.subarray(0, Math.floor(body.length / 2));
  if (kind === 'flip' && body.length) body.writeUInt8(body.readUInt8(half.length) ^ 1, half.length);
  const { 'transfer-encoding': _chunked, ...headers } = answer.headers;
  const length = answer.headers['content-length'] ?? String(body.length);
  outgoing.writeHead(answer.statusCode ?? 500, {
    ...headers,
    'content-length': kind === 'short' ? String(half.length) : length,
  });
  if (kind === 'cut') outgoing.write(half, () => outgoing.destroy());
  else outgoing.end(kind === 'short' ? half : body);
}

/** Of a write whose condition does not hold. */
async function refusalOf({ method, url = '/', headers }: IncomingMessage, target: string) {
  const { 'if-none-match': absent, 'if-match': match } = headers;
  if (method === 'GET' || method === 'HEAD' || (absent === undefined && match === undefined))
    return undefined;
  const { pathname } = new URL(url, target);
  const there = await fetch(new URL(pathname, target), { method: 'HEAD' });
  if (absent !== undefined && there.ok) return { status: 412, code: 'PreconditionFailed' };
  if (match === undefined) return undefined;
  if (!there.ok) return { status: 404, code: 'NoSuchKey' };
  const isSame = there.headers.get('etag')?.replaceAll('"', '') === match.replaceAll('"', '');
  return isSame ? undefined : { status: 412, code: 'PreconditionFailed' };
}
