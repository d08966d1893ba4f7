import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { linger } from '../../../server/http/api/linger.ts';
import { addressOf } from '../../support/ports.ts';

/** A server that answers before the body has come, and goes on reading; the end of that reading. */
async function answeredEarly(t: Test) {
  const read = Promise.withResolvers<unknown>();
  const server = createServer((request, response) => {
    read.resolve(endOf(request));
    response.writeHead(408).end();
    linger(request);
  });
  t.teardown(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = connect(addressOf(server).port, '127.0.0.1');
  socket.on('error', () => {}).write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nfirst');
  await once(socket, 'data');
  return { socket, read: read.promise };
}

function endOf(request: IncomingMessage): Promise<unknown> {
  return request.toArray().then(
    () => 'whole',
    (error: unknown) => error,
  );
}

t.test('whoever still reads a body that was answered early hears that the client has left', async (t) => {
  const { socket, read } = await answeredEarly(t);
  socket.destroy();
  t.type(await read, Error);
});

t.test('and that it was cut off, where it says no more', async (t) => {
  const { socket, read } = await answeredEarly(t);
  await once(socket.resume(), 'close');
  t.type(await read, Error);
});

t.test('a body that comes to its end is read to it', async (t) => {
  const { socket, read } = await answeredEarly(t);
  socket.end(Buffer.alloc(95));
  t.equal(await read, 'whole');
});
