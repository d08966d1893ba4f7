import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

export function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('It does not listen on a port');
  return address;
}

/**
 * Below those that systems give out by themselves (Linux from 32768, others from 49152), and above those that `fetch`
 * refuses.
 */
const [FIRST, END] = [11_000, 32_000];

/**
 * A port that nobody listens on, for a program that cannot say which one it got. One that the system had given out would
 * be given to somebody else before that program starts: thousands of connections and servers come and go beside it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    // On all addresses: some of those who are there already listen on all.
    const server = createServer().listen(port);
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
