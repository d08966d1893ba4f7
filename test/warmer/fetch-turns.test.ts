import t from 'tap';
import { updateWithRetry } from '../../server/stores/update-record.ts';
import { Later, readJob } from '../../server/warming/jobs.ts';
import { call } from '../support/api.ts';
import { temporaryFolder } from '../support/folders.ts';
import { remoteServer } from '../support/remote.ts';
import { startServer } from '../support/server.ts';
import { createWarmer } from '../support/warmer.ts';

t.test(
  'what waits for its turn at a host is sent by nobody else, and a try after a failure waits as well',
  async (t) => {
    const remote = await remoteServer(t);
    const env = {
      DATA_DIR: await temporaryFolder(),
      IMPORT_HOSTS: remote.base,
      IMPORT_PRIVATE: '1',
      IMPORT_RATE_PER_MINUTE: '1',
    };
    const server = await startServer(env);
    const { management, stores, close } = await createWarmer(env);
    t.teardown(async () => {
      await close();
      await server.close();
    });
    const { fetches } = management;
    const url = remote.answer('/away', (_, response) => void response.writeHead(503).end());
    const ids = Array.from({ length: 13 }, (_, n) => `n${n}`);
    await call(server, 'POST', '/api/images/import', { urls: ids.map((id) => ({ url, id })) });

    const began = Date.now();
    /** The minute after the burst in which the job comes again, however long the test took to ask; and the job. */
    const deliver = async (id: string, job: object = { kind: 'fetch', id }) => {
      const read = readJob(JSON.stringify(job));
      if (read.kind !== 'fetch') throw new Error('no fetch');
      try {
        return await fetches.deliver(read, new AbortController().signal);
      } catch (error) {
        if (!(error instanceof Later)) throw error;
        const { after: _after, ...again } = JSON.parse(error.job.body);
        return {
          minute: Math.round(((Date.now() - began) / 1000 + (error.job.delaySeconds ?? 0)) / 60),
          again,
        };
      }
    };
    const burst = await Promise.all(ids.slice(0, 8).map((id) => deliver(id)));
    burst.push(await deliver('n8'), await deliver('n9'));
    t.same(remote.requests.length, 10, 'as many as may come at once');
    const waits = [await deliver('n10'), await deliver('n10'), await deliver('n11')];
    t.match(waits, [{ minute: 1 }, { outcome: 'nothing owed' }, { minute: 2 }], 'a double takes no turn');
    const record = await stores.records.images.get('n10');
    t.equal(record && (await fetches.sendAgain(record)), false, 'the sweep sends none of those that wait');

    const later = async (id: string) =>
      updateWithRetry(stores.records, id, ({ source }) => ({
        source: { ...source, url, notBefore: new Date(0).toISOString() },
      }));
    await later('n10');
    await deliver('n10', waits[0] && 'again' in waits[0] ? waits[0].again : {});
    t.equal(remote.requests.length, 11, 'who has waited is let in');
    await later('n0');
    const retried = await deliver('n0', burst[0] && 'again' in burst[0] ? burst[0].again : {});
    t.match(retried, { minute: 3 }, 'a try after a failure has no turn yet');
    t.equal(remote.requests.length, 11);
  },
);
