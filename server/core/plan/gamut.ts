import type { Transformation } from '../operations/index.ts';
import { linearToSrgb, srgbToLinear } from '../original/transfer.ts';

/** sRGB to Display P3, both linear light, D65 (CSS Color 4, 17.1: sRGB to XYZ, XYZ to Display P3). */
const TO_P3 = [
  [0.822462, 0.177538, 0],
  [0.033194, 0.966806, 0],
  [0.017083, 0.072397, 0.91052],
] as const;

type Bands = [red: number, green: number, blue: number];

/** The numbers that show the sRGB colour in Display P3; 0-255. */
export function bandsInP3(bands: Bands): Bands {
  const [red, green, blue] = [
    srgbToLinear(bands[0] / 255),
    srgbToLinear(bands[1] / 255),
    srgbToLinear(bands[2] / 255),
  ];
  const mixed = ([a, b, c]: (typeof TO_P3)[number]) =>
    Math.round(linearToSrgb(a * red + b * green + c * blue) * 255);
  return [mixed(TO_P3[0]), mixed(TO_P3[1]), mixed(TO_P3[2])];
}

/** The same for `#rrggbb` or `#rrggbbaa`; alpha stays. */
export function hexInP3(hex: string): string {
  const at = (place: number) => Number.parseInt(hex.slice(place, place + 2), 16);
  const bands = bandsInP3([at(1), at(3), at(5)]);
  return `#${bands.map((band) => band.toString(16).padStart(2, '0')).join('')}${hex.slice(7)}`;
}

/** A transformation whose colours, which are sRGB as in CSS, are numbers in Display P3. */
export function inP3(values: Transformation): Transformation {
  const { bg, border, tint, duo } = values;
  return {
    ...values,
    ...(bg ? { bg: hexInP3(bg) } : {}),
    ...(border ? { border: { ...border, color: hexInP3(border.color) } } : {}),
    ...(tint ? { tint: hexInP3(tint) } : {}),
    ...(duo ? { duo: { dark: bandsInP3(duo.dark), light: bandsInP3(duo.light) } } : {}),
  };
}
