import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Checksum, Crc32, checksumOf, isWholeFile } from '../../../server/stores/checksum.ts';
import { readFacts, trailer } from '../../../server/stores/files/trailer.ts';

const crcOf = (bytes: Uint8Array): string => {
  const crc32 = new Crc32();
  crc32.update(bytes);
  return crc32.digest();
};

t.test('a piece that cannot be had leaves no file open', async (t) => {
  // A module that has no piece yet, whatever was read before in this process.
  const module = new URL('../../../server/stores/checksum.ts?without-pieces', import.meta.url);
  const unused: { isWholeFile: typeof isWholeFile } = await import(module.href);
  const path = join(t.testdir(), 'file');
  writeFileSync(path, 'x');
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  const own = Buffer.allocUnsafeSlow;
  Buffer.allocUnsafeSlow = () => {
    throw new RangeError('Array buffer allocation failed');
  };
  t.teardown(() => {
    Buffer.allocUnsafeSlow = own;
  });
  for (let lap = 0; lap < 10; lap++)
    await t.rejects(unused.isWholeFile(path, 1, { algorithm: 'crc32', hex: 'x' }), /allocation failed/);
  t.equal(open(), before);
});

t.test('CRC-32 comes to the check value of its catalogue, in whatever pieces the bytes pass', async (t) => {
  t.equal(crcOf(Buffer.from('123456789')), 'cbf43926', 'CRC-32/ISO-HDLC');
  t.equal(crcOf(Buffer.alloc(0)), '00000000');
  const bytes = randomBytes(1000);
  const pieces = new Crc32();
  for (let start = 0; start < bytes.length; start += 7) pieces.update(bytes.subarray(start, start + 7));
  t.equal(pieces.digest(), crcOf(bytes));
});

t.test('what a store noted goes before the digest of the upload, and that before its ETag', async (t) => {
  const etag = 'd'.repeat(32);
  const [digest, store] = ['a'.repeat(64), { hasMd5: true }];
  t.same(checksumOf(store, { etag, crc32: 'cbf43926' }, digest), { algorithm: 'crc32', hex: 'cbf43926' });
  t.same(checksumOf(store, { etag }, digest), { algorithm: 'sha256', hex: digest });
  t.same(checksumOf(store, { etag }, undefined), { algorithm: 'md5', hex: etag });
  t.equal(checksumOf({ hasMd5: false }, { etag }, undefined), undefined);
  t.equal(checksumOf(store, { etag: 'of several parts-2' }, undefined), undefined);
});

t.test('a file is whole by each checksum, and no longer when any of its bytes has changed', async (t) => {
  const path = join(t.testdir(), 'file');
  // More than one piece, and what does not count behind it.
  const bytes = randomBytes(600_000);
  const rest = Buffer.from('a trailer');
  const checksums: Checksum[] = [
    { algorithm: 'crc32', hex: crcOf(bytes) },
    { algorithm: 'md5', hex: createHash('md5').update(bytes).digest('hex') },
    { algorithm: 'sha256', hex: createHash('sha256').update(bytes).digest('hex') },
  ];
  const areWhole = async (content: Buffer) => {
    writeFileSync(path, content);
    return Promise.all(checksums.map((checksum) => isWholeFile(path, bytes.length, checksum)));
  };
  t.same(await areWhole(Buffer.concat([bytes, rest])), [true, true, true]);
  t.same(await areWhole(Buffer.concat([bytes.subarray(1), rest])), [false, false, false]);
  t.same(await areWhole(bytes.subarray(0, -1)), [false, false, false], 'short');
  for (const position of [0, 262_143, 262_144, 599_999]) {
    const changed = Buffer.from(bytes);
    changed[position] = (changed[position] ?? 0) ^ 1;
    t.same(await areWhole(changed), [false, false, false], `byte ${position}`);
  }
});

t.test(
  'files that are read side by side, in several pieces each, are not taken for one another',
  async (t) => {
    const folder = t.testdir();
    const files = Array.from({ length: 12 }, (_, number) => {
      const bytes = randomBytes(200_000 * (1 + (number % 5)) + number);
      const path = join(folder, String(number));
      writeFileSync(path, bytes);
      return { path, bytes };
    });
    const isWhole = ({ path, bytes }: (typeof files)[number], hex: string) =>
      isWholeFile(path, bytes.length, { algorithm: 'crc32', hex });
    const right = files.map((file) => isWhole(file, crcOf(file.bytes)));
    const wrong = files.map((file, number) =>
      isWhole(file, crcOf(files.at(number - 1)?.bytes ?? file.bytes)),
    );
    t.same(await Promise.all(right), new Array(files.length).fill(true));
    t.same(await Promise.all(wrong), new Array(files.length).fill(false));
  },
);

t.test(
  'reading files takes no new memory outside of the heap, of which V8 makes room by marking all of it',
  async (t) => {
    const path = join(t.testdir(), 'file');
    const bytes = randomBytes(700_000);
    writeFileSync(path, bytes);
    const checksum: Checksum = { algorithm: 'crc32', hex: crcOf(bytes) };
    const outside = () => process.memoryUsage().arrayBuffers;
    await isWholeFile(path, bytes.length, checksum);
    const before = outside();
    let most = 0;
    for (let lap = 0; lap < 100; lap++) {
      t.equal(await isWholeFile(path, bytes.length, checksum), true);
      most = Math.max(most, outside() - before);
    }
    t.ok(most < 2 ** 20, `${most} bytes more in 100 files`);
  },
);

t.test('the trailer keeps it, and one without is as good', async (t) => {
  const path = join(t.testdir(), 'file');
  const facts = {
    key: 'a',
    etag: 'e',
    size: 3,
    lastModified: new Date(0),
    contentType: undefined,
    cacheControl: undefined,
    metadata: {},
  };
  for (const crc32 of ['cbf43926', undefined]) {
    writeFileSync(path, Buffer.concat([Buffer.from('abc'), trailer({ ...facts, crc32 })]));
    const fd = openSync(path, 'r');
    t.equal(readFacts(fd)?.crc32, crc32);
    t.equal(readFacts(fd)?.size, 3);
    closeSync(fd);
  }
});
