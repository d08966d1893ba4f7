import t from 'tap';
import { checkWhole } from '../../../../server/core/original/whole.ts';
import { checkEncoded } from '../../../../server/core/render/encoded-size.ts';

/** A box of ISO/IEC 14496-12, 4.2, which says that it is `told` bytes long; 0: to the end of the file. */
function box(told: number, bytes: number, large?: bigint): Buffer {
  const written = Buffer.alloc(bytes);
  written.writeUInt32BE(told);
  written.write('mdat', 4, 'latin1');
  if (large !== undefined) written.writeBigUInt64BE(large, 8);
  return written;
}

const ftyp = box(16, 16);

t.test('an AVIF is whole where its boxes are', async (t) => {
  const whole: Record<string, Buffer> = {
    'as long as it says': box(20, 20),
    'to the end of the file': box(0, 12),
    'of 64 bits': box(1, 24, 24n),
    'and padding behind it': Buffer.concat([box(20, 20), Buffer.alloc(30)]),
    'and less than a head of padding': Buffer.concat([box(20, 20), Buffer.alloc(5)]),
  };
  for (const [name, last] of Object.entries(whole))
    t.doesNotThrow(() => checkWhole('avif', Buffer.concat([ftyp, last])), name);
  const cut: Record<string, Buffer> = {
    'cut in its bytes': box(20, 19),
    'cut in its length of 64 bits': box(1, 12),
    'shorter than its own head': box(7, 20),
    'of 64 bits that are fewer than its head': box(1, 24, 7n),
    'and something else behind it': Buffer.concat([box(20, 20), Buffer.from('abc')]),
  };
  for (const [name, last] of Object.entries(cut))
    t.throws(
      () => checkWhole('avif', Buffer.concat([ftyp, last])),
      { code: 'damaged_source', message: /ends before/ },
      name,
    );
});

t.test('a GIF without a block is cut', async (t) => {
  t.throws(() => checkWhole('gif', Buffer.from('GIF89a\x01\0\x01\0\0\0\0', 'latin1')), {
    code: 'damaged_source',
  });
});

t.test('a file whose size cannot be read where encoders write it is of another size', async (t) => {
  const webp = Buffer.from('RIFF\0\0\0\0WEBPALPH'.padEnd(40, '\0'), 'latin1');
  for (const [bytes, format] of [
    [webp, 'webp'],
    [box(0, 40), 'avif'],
  ] as const)
    t.throws(() => checkEncoded(bytes, format, { width: 1, height: 1 }), /encoded undefined x undefined/);
});
