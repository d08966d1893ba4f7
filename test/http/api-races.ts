import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { Management } from '../../server/writing.ts';
import { call, noise } from '../support/api.ts';
import type { TestServer } from '../support/server.ts';

/** What must hold over any stores when two want something of one id at once. */
export async function races(t: Test, server: TestServer): Promise<void> {
  const { management } = server.composed;
  if (!management) throw new Error('no management');
  await events(t, server, management);
}

async function* source(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** Does `act` once, between the next look at a record and what comes of it. */
function afterLook({ stores: { records } }: TestServer, act: () => Promise<void>): void {
  const image = records.image.bind(records);
  records.image = async (id) => {
    records.image = image;
    const record = await image(id);
    await act();
    return record;
  };
}

async function events(t: Test, server: TestServer, management: Management): Promise<void> {
  const { arrivals, library, uploads } = management;
  const { originals, records } = server.stores;
  for (const isKnown of [false, true]) {
    const id = `late-event/${isKnown}.jpg`;
    await t.test(`a late removal event leaves a new upload of the id alone, ${isKnown}`, async (t) => {
      const file = await noise(60, 40);
      if (isKnown) {
        await server.put(id, await noise(30, 30));
        await arrivals.created(id);
        await originals.remove([id]);
      }
      let accepted: ReturnType<typeof uploads.accept> | undefined;
      afterLook(server, async () => {
        await library.remove(id);
        accepted = uploads.accept(source(file), id);
        while (!(await records.image(id))) await sleep(1);
      });
      await arrivals.removed(id);
      if (accepted) await uploads.finish(await accepted, { title: 'New' });
      const { body } = await call(server, 'GET', `/api/images/${encodeURIComponent(id)}`);
      t.match(body, { title: 'New', original: { width: 60 } });
    });
  }
}
