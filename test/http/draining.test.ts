import { Agent, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import t from 'tap';
import { folderWithPhoto, spawnServer } from '../support/process.ts';

/** One answer over a connection that the agent keeps. */
function ask(agent: Agent, url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { agent }, resolve).once('error', reject).end();
  });
}

const CLIENTS = 40;

// A server that closes connections which look idle breaks off what is on its way (a soak at a load of 17: four requests
// of 250,000, at one of 35 restarts).
t.test(
  'SIGTERM breaks off nothing that was sent: each connection is told that an answer is its last',
  async (t) => {
    const server = await spawnServer({ DATA_DIR: await folderWithPhoto(t) });
    const paths = ['/img/ladybug.jpg?w=64&fmt=jpeg', '/healthz', '/img/none.jpg', '/api/images?limit=1'];
    let answered = 0;
    const clients = Array.from({ length: CLIENTS }, async (_, index) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const statuses = new Set<number | undefined>();
      try {
        for (;;) {
          const answer = await ask(agent, server.base + paths[(index + statuses.size) % paths.length]);
          await buffer(answer);
          statuses.add(answer.statusCode);
          answered += 1;
          if (answer.headers.connection === 'close') return { statuses: [...statuses] };
        }
      } catch (error) {
        return { statuses: [...statuses], error };
      } finally {
        agent.destroy();
      }
    });
    while (answered < CLIENTS * 3) await new Promise(setImmediate);
    t.equal(await server.end('SIGTERM'), 0);
    for (const { statuses, error } of await Promise.all(clients)) {
      t.equal(error, undefined, `after ${statuses.join(', ')}`);
      t.same(
        statuses.filter((status) => ![200, 404, 401, 503].includes(status ?? 0)),
        [],
      );
    }
  },
);
