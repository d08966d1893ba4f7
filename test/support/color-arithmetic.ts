/**
 * What colours told by code points look like in sRGB, written from the standards alone: ST 2084, BT.2100, BT.2390 5.4.1,
 * IEC 61966-2-1. Shares nothing with the server, which turns them into profiles for lcms.
 */
export type Rgb = readonly [number, number, number];

/** To linear sRGB, from BT.2087 and CSS Color 4; and what each primary adds to Y. */
const SPACES = {
  srgb: { rows: [1, 0, 0, 0, 1, 0, 0, 0, 1], y: [0.2126, 0.7152, 0.0722] },
  p3: {
    rows: [1.22494, -0.22494, 0, -0.042057, 1.042057, 0, -0.019638, -0.078636, 1.098274],
    y: [0.228975, 0.691739, 0.079287],
  },
  bt2020: {
    rows: [1.660491, -0.587641, -0.07285, -0.12455, 1.1329, -0.008349, -0.018151, -0.100579, 1.11873],
    y: [0.2627, 0.678, 0.0593],
  },
} as const;
export type SpaceName = keyof typeof SPACES;

const pq = (code: number): number => {
  const p = code ** (1 / 78.84375);
  return 10_000 * (Math.max(p - 0.8359375, 0) / (18.8515625 - 18.6875 * p)) ** (1 / 0.1593017578125);
};
const inversePq = (nits: number): number => {
  const p = (nits / 10_000) ** 0.1593017578125;
  return ((0.8359375 + 18.8515625 * p) / (1 + 18.6875 * p)) ** 78.84375;
};

/** cd/m² on a display of 203, of a picture graded on one of `peak`. */
function bt2390(nits: number, peak: number): number {
  const [white, target] = [inversePq(peak), inversePq(203)];
  const [e1, max] = [Math.min(1, inversePq(nits) / white), target / white];
  const ks = 1.5 * max - 0.5;
  const t = (e1 - ks) / (1 - ks);
  const p =
    (2 * t ** 3 - 3 * t ** 2 + 1) * ks +
    (t ** 3 - 2 * t ** 2 + t) * (1 - ks) +
    (3 * t ** 2 - 2 * t ** 3) * max;
  return pq((e1 < ks ? e1 : p) * white);
}

const hlg = (code: number): number =>
  code <= 0.5 ? code ** 2 / 3 : (Math.exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12;
const srgb = (code: number): number => (code <= 0.04045 ? code / 12.92 : ((code + 0.055) / 1.055) ** 2.4);
const dot = (a: readonly number[], b: Rgb): number =>
  (a[0] ?? 0) * b[0] + (a[1] ?? 0) * b[1] + (a[2] ?? 0) * b[2];
const each = (rgb: Rgb, of: (value: number) => number): Rgb => [of(rgb[0]), of(rgb[1]), of(rgb[2])];

/** Linear light, 1 is SDR white. */
function light(code: Rgb, { space, transfer, peak = 1000 }: Told): Rgb {
  if (typeof transfer === 'number') return each(code, (value) => value ** transfer);
  if (transfer === 'srgb') return each(code, srgb);
  const scene = each(code, transfer === 'pq' ? pq : hlg);
  const luminance = dot(SPACES[space].y, scene);
  const nits = transfer === 'pq' ? scene : each(scene, (value) => value * 1000 * luminance ** 0.2);
  const most = Math.max(...nits, 1e-9);
  return each(nits, (value) => (value * bt2390(most, peak)) / most / 203);
}

export interface Told {
  readonly space: SpaceName;
  /** An exponent, or a curve. */
  readonly transfer: number | 'srgb' | 'pq' | 'hlg';
  /** cd/m². */
  readonly peak?: number;
}

/** Numbers 0-1 as they stand in a file, as numbers 0-255 of sRGB. */
export function inSrgb(code: Rgb, told: Told): Rgb {
  const linear = light(code, told);
  const { rows } = SPACES[told.space];
  const mixed: Rgb = [
    dot(rows.slice(0, 3), linear),
    dot(rows.slice(3, 6), linear),
    dot(rows.slice(6), linear),
  ];
  return each(mixed, (value) => {
    const clipped = Math.min(1, Math.max(0, value));
    return 255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055);
  });
}
