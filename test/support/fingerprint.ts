import sharp from 'sharp';

/** What is compared of a picture: structure and colour in 64 fields, not bytes, which change with every codec. */
export interface Fingerprint {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly pages: number;
  readonly alpha: boolean;
  readonly profile: boolean;
  /** Lightness of 8 x 8 fields, 0-255, row by row; laid on mid grey. */
  readonly grey: readonly number[];
  /** Mean red, green, blue. */
  readonly mean: readonly number[];
  /** Detail of 4 x 4 fields: mean step from pixel to pixel, in tenths. Blur lowers it, sharpening raises it. */
  readonly detail: readonly number[];
  /** Mean alpha of 8 x 8 fields where there is alpha. */
  readonly cover: readonly number[];
}

async function fields(bytes: Buffer, channel: 'grey' | 'alpha'): Promise<number[]> {
  const image = sharp(bytes);
  const band =
    channel === 'alpha'
      ? image.ensureAlpha().extractChannel(3)
      : image.flatten({ background: '#808080' }).toColourspace('b-w');
  // In two pipelines: the fields are means of what is shown, not of what lies under the alpha.
  const shown = await band.png().toBuffer();
  return [
    ...(await sharp(shown)
      .resize(8, 8, { fit: 'fill', kernel: 'linear' })
      .toColourspace('b-w')
      .raw()
      .toBuffer()),
  ];
}

async function detail(flat: Buffer): Promise<number[]> {
  const { data, info } = await sharp(flat).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  const sums = Array.from({ length: 16 }, () => ({ steps: 0, count: 0 }));
  for (let y = 0; y < info.height - 1; y++) {
    for (let x = 0; x < info.width - 1; x++) {
      const offset = y * info.width + x;
      const here = data[offset] ?? 0;
      const field = sums[Math.floor((y * 4) / info.height) * 4 + Math.floor((x * 4) / info.width)];
      if (!field) continue;
      field.steps +=
        Math.abs(here - (data[offset + 1] ?? 0)) + Math.abs(here - (data[offset + info.width] ?? 0));
      field.count += 2;
    }
  }
  return sums.map(({ steps, count }) => Math.round((steps * 10) / Math.max(1, count)));
}

export async function fingerprint(bytes: Buffer): Promise<Fingerprint> {
  const {
    format,
    width,
    height,
    pageHeight,
    pages = 1,
    hasAlpha,
    hasProfile,
  } = await sharp(bytes, { pages: -1 }).metadata();
  const flat = await sharp(bytes).flatten({ background: '#808080' }).toColourspace('srgb').png().toBuffer();
  const { channels } = await sharp(flat).stats();
  return {
    format,
    width,
    height: pageHeight ?? height,
    pages,
    alpha: hasAlpha,
    profile: hasProfile,
    grey: await fields(bytes, 'grey'),
    mean: channels.slice(0, 3).map(({ mean }) => Math.round(mean)),
    detail: await detail(flat),
    cover: hasAlpha ? await fields(bytes, 'alpha') : [],
  };
}

const apart = (a: readonly number[], b: readonly number[]): number =>
  a.length === b.length ? Math.max(0, ...a.map((value, index) => Math.abs(value - (b[index] ?? 0)))) : 255;

/** Where two fingerprints differ by more than codecs do; empty when they show the same picture. */
export function differences(a: Fingerprint, b: Fingerprint): string[] {
  const facts = (['format', 'width', 'height', 'pages', 'alpha', 'profile'] as const)
    .filter((name) => a[name] !== b[name])
    .map((name) => `${name} ${a[name]}, not ${b[name]}`);
  const limits = { grey: 10, mean: 5, cover: 10 } as const;
  const parts = (['grey', 'mean', 'cover'] as const)
    .filter((name) => apart(a[name], b[name]) > limits[name])
    .map((name) => `${name} is ${apart(a[name], b[name])} apart`);
  const rough = Math.max(
    ...a.detail.map((value, index) => Math.abs(value - (b.detail[index] ?? 0)) - 6 - value / 8),
  );
  return [...facts, ...parts, ...(rough > 0 ? [`detail is ${a.detail}, not ${b.detail}`] : [])];
}
