import sharp from 'sharp';
import t from 'tap';
import { probeOf } from '../../../../server/core/render/probe.ts';
import { corpus } from '../../../support/corpus.ts';

t.test('a coarse JPEG tells how much a picture forgives', async (t) => {
  const plain = sharp({ create: { width: 64, height: 64, channels: 4, background: '#8080ff80' } });
  const none = await probeOf(plain, 60);
  t.ok(none.squaredError < 10 && none.bitsPerPixel < 2, JSON.stringify(none));
  const photograph = await probeOf(sharp(await corpus('samples/ladybug.jpg')).resize(200), 60);
  t.ok(photograph.squaredError > 4 * none.squaredError, JSON.stringify(photograph));
  t.ok(photograph.bitsPerPixel > none.bitsPerPixel);
});

t.test('the error is that of the pixels, by arithmetic of its own', async (t) => {
  const image = () =>
    sharp(Buffer.from(Array.from({ length: 32 * 32 * 3 }, (_, n) => (n * 37) % 256)), {
      raw: { width: 32, height: 32, channels: 3 },
    });
  const { squaredError } = await probeOf(image(), 60);
  const before = await image().raw().toBuffer();
  const jpeg = await image()
    .jpeg({ quality: 30, chromaSubsampling: '4:2:0', optimiseCoding: true })
    .toBuffer();
  const after = await sharp(jpeg).raw().toBuffer();
  const wanted = before.reduce((sum, value, at) => sum + (value - (after[at] ?? 0)) ** 2, 0) / before.length;
  t.ok(Math.abs(squaredError - wanted) < 1e-9, `${squaredError} and ${wanted}`);
});
