import { openSqlite } from '../../server/stores/sqlite/open.ts';

/** A second process on a SQLite file, until it is killed. A line for each acknowledged step. */
const [, , path = '', task = '', name = ''] = process.argv;
const { records, jobs } = openSqlite(path, { maxReceives: 3 });
const say = (line: string) => process.stdout.write(`${line}\n`);
const image = (id: string) => ({ id, status: 'uploaded', createdAt: new Date().toISOString() }) as const;

if (task === 'fill') {
  await records.collections.create({ id: name, name, createdAt: new Date().toISOString() });
  for (let n = 0; ; n++) {
    const ids = [`${name}-${n}a`, `${name}-${n}b`, `${name}-${n}c`];
    for (const id of ids) await records.images.create(image(id));
    await records.collections.relate(name, ids);
    say(`${n}`);
  }
}

if (task === 'tell') {
  await records.images.create(image(name));
  for (let revision = 1; ; revision++) {
    await records.images.update(name, revision, { title: `${revision}` }, [{ body: `${name} ${revision}` }]);
    say(`${revision}`);
  }
}

if (task === 'work') {
  say('ready');
  for (;;) {
    for (const { body, receipt } of await jobs.receive({ max: 3, waitSeconds: 5, visibilitySeconds: 30 })) {
      say(`${body} ${await records.images.create(image(body))}`);
      await jobs.remove(receipt);
    }
  }
}
