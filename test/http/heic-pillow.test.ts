import { spawnSync } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { corpus, corpusPath, heicRows } from '../support/corpus.ts';
import { bytesOf, startServer, temporaryFolder } from '../support/server.ts';

/** Writes the pixels of each file in sRGB, and says its size, or why it has none. */
const DECODER = `
import io, json, os, sys
import pillow_heif
from PIL import Image, ImageCms
Image.MAX_IMAGE_PIXELS = None
pillow_heif.register_heif_opener()
def decode(path, out):
    try:
        image = Image.open(path)
        image.load()
    except Exception as error:
        return {"error": str(error)}
    images = pillow_heif.open_heif(path)
    is_primary = images[images.primary_index].info["primary"]
    profile, alpha = image.info.get("icc_profile"), image.getchannel("A") if "A" in image.mode else None
    shown = image.convert("RGB")
    if profile:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        shown = ImageCms.profileToProfile(shown, source, ImageCms.createProfile("sRGB"), 1)
    shown = shown.convert("RGBA")
    if alpha: shown.putalpha(alpha)
    open(out, "wb").write(shown.tobytes())
    return {"width": image.width, "height": image.height, "isPrimary": is_primary}
print(json.dumps([decode(*pair) for pair in json.load(sys.stdin)]))
`;
const python = process.env['PILLOW_PYTHON'] ?? 'python3';
const found = spawnSync(python, ['-c', 'import pillow_heif']);
const skip = found.status === 0 ? false : `${python} has no package pillow-heif: pip install pillow-heif`;

interface Decoded {
  readonly error?: string;
  readonly width?: number;
  readonly height?: number;
  /** Whether it is the image that the file names; where that is one of tiles it has been seen to take the next. */
  readonly isPrimary?: boolean;
}

/** Of two pictures in RGBA: mean of the differences that can be seen, 0-255; the share of pixels that differ by more than 8. */
function differences(ours: Buffer, theirs: Buffer): { mean: number; far: number } {
  let [sum, far] = [0, 0];
  for (let index = 0; index < ours.length; index += 4) {
    const alpha = (theirs[index + 3] ?? 0) / 255;
    const differenceOf = (band: number) =>
      Math.abs((ours[index + band] ?? 0) - (theirs[index + band] ?? 0)) * (band === 3 ? 1 : alpha);
    const all = [0, 1, 2, 3].map(differenceOf);
    sum += all.reduce((total, one) => total + one, 0) / 4;
    if (Math.max(...all) > 8) far += 1;
  }
  return { mean: sum / (ours.length / 4), far: far / (ours.length / 4) };
}

t.test('every HEIC is the picture that pillow-heif decodes, or is refused', { skip }, async (t) => {
  const folder = await temporaryFolder();
  const server = await startServer();
  t.teardown(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const files = heicRows().map(({ file }) => file);
  const input = JSON.stringify(files.map((file, index) => [corpusPath(file), join(folder, String(index))]));
  const { stdout, stderr, status } = spawnSync(python, ['-c', DECODER], { input, encoding: 'utf8' });
  t.equal(status, 0, stderr);
  const decoded: Decoded[] = JSON.parse(stdout);
  t.equal(decoded.length, 24);
  for (const [index, file] of files.entries()) {
    const { error, width, height, isPrimary } = decoded[index] ?? {};
    await server.put(file, await corpus(file));
    const answer = await server.get(`/img/${file}?fmt=png`);
    if (error !== undefined) {
      t.ok([415, 422].includes(answer.status), `${file}: ${answer.status}, as there: ${error}`);
      continue;
    }
    t.equal(answer.status, 200, file);
    const image = sharp(await bytesOf(answer))
      .toColourspace('srgb')
      .ensureAlpha();
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    if (!isPrimary) {
      t.pass(`${file}: another image there, ${width} x ${height}; ours is ${info.width} x ${info.height}`);
      continue;
    }
    t.match(info, { width, height }, file);
    const { mean, far } = differences(data, await readFile(join(folder, String(index))));
    t.ok(
      mean < 0.75 && far < 0.001,
      `${file}: off by ${mean.toFixed(3)}, ${(far * 100).toFixed(3)} % far off`,
    );
  }
});
