import { FileObjects } from '../../server/stores/files/objects.ts';

/** Overwrites one key until killed; a line for each write that was acknowledged. */
const [, , folder = ''] = process.argv;
const objects = await FileObjects.open(folder);
for (let n = 1; ; n++) {
  const bytes = Buffer.alloc(200_000, n % 251);
  const body = async function* () {
    for (let part = 0; part < 10; part++) yield bytes;
  };
  await objects.put('img/a/w_100', body(), { contentType: 'image/png', metadata: { n: `${n}` } });
  process.stdout.write(`${n}\n`);
}
