import sharp from 'sharp';
import t from 'tap';
import { probeOf } from '../../../../server/core/render/probe.ts';
import { corpus } from '../../../support/corpus.ts';

t.test('a coarse JPEG tells how much a picture forgives', async (t) => {
  const plain = sharp({ create: { width: 64, height: 64, channels: 4, background: '#8080ff80' } });
  const none = await probeOf(plain, 60);
  t.ok(none.lumaError < 10 && none.bitsPerPixel < 2, JSON.stringify(none));
  const photograph = await probeOf(sharp(await corpus('samples/ladybug.jpg')).resize(200), 60);
  t.ok(photograph.lumaError > 4 * none.lumaError, JSON.stringify(photograph));
  t.ok(photograph.bitsPerPixel > none.bitsPerPixel);
});

t.test('the error is that of the pixels, by arithmetic of its own', async (t) => {
  const image = () =>
    sharp(Buffer.from(Array.from({ length: 32 * 32 * 3 }, (_, n) => (n * 37) % 256)), {
      raw: { width: 32, height: 32, channels: 3 },
    });
  const { lumaError, colourError } = await probeOf(image(), 60);
  const before = await image().raw().toBuffer();
  const jpeg = await image()
    .jpeg({ quality: 30, chromaSubsampling: '4:2:0', optimiseCoding: true })
    .toBuffer();
  const after = await sharp(jpeg).raw().toBuffer();
  const planes = (pixels: Buffer) =>
    Array.from({ length: pixels.length / 3 }, (_, at) => {
      const [r = 0, g = 0, b = 0] = pixels.subarray(3 * at, 3 * at + 3);
      const y = 0.299 * r + 0.587 * g + 0.114 * b;
      return [y, 0.564 * (b - y), 0.713 * (r - y)] as const;
    });
  const [was, is] = [planes(before), planes(after)];
  const error = (plane: 0 | 1 | 2) =>
    was.reduce((sum, values, at) => sum + (values[plane] - (is[at]?.[plane] ?? 0)) ** 2, 0) / was.length;
  t.ok(Math.abs(lumaError - error(0)) < 1e-6, `${lumaError} and ${error(0)}`);
  t.ok(Math.abs(colourError - error(1) - error(2)) < 1e-6, `${colourError}`);
});

t.test('what is lost of structure is nothing of a plain picture, and much of fine lines', async (t) => {
  const lines = (levels: readonly [number, number]) =>
    sharp(Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, n) => levels[Math.floor(n / 9) % 2] ?? 0)), {
      raw: { width: 64, height: 64, channels: 3 },
    });
  const [plain, strong, faint] = await Promise.all(
    (
      [
        [90, 90],
        [0, 255],
        [120, 132],
      ] as const
    ).map((levels) => probeOf(lines(levels), 60)),
  );
  t.ok(Math.abs(plain?.structureLoss ?? 1) < 1e-3, JSON.stringify(plain));
  t.ok((faint?.structureLoss ?? 0) > (strong?.structureLoss ?? 1), JSON.stringify([faint, strong]));
  const odd = await probeOf(sharp({ create: { width: 1, height: 3, channels: 3, background: '#123' } }), 60);
  t.ok(Object.values(odd).every(Number.isFinite), 'of a picture of a few pixels too');
});
