import { con, duo, gam, gray, inv, modulate, norm, sepia, thr, tint } from './colour.ts';
import { delivery } from './delivery.ts';
import { blur, median, pix, sharp } from './filter.ts';
import { bg, border, pad } from './frame.ts';
import type { Operation, Params, ValuesOf } from './operation.ts';
import { orient } from './orient.ts';
import { encode, icc, meta, placeholder } from './output.ts';
import { page } from './page.ts';
import { rect } from './rect.ts';
import { resize } from './resize.ts';
import { mask, radius } from './shape.ts';
import { trim } from './trim.ts';
import { turn } from './turn.ts';
import { watermark } from './watermark.ts';

/** Every operation, in the order in which the picture goes through them. */
export const OPERATIONS = [
  page,
  orient,
  rect,
  trim,
  resize,
  turn,
  norm,
  gam,
  modulate,
  con,
  gray,
  sepia,
  tint,
  duo,
  inv,
  thr,
  median,
  blur,
  sharp,
  pix,
  radius,
  mask,
  watermark,
  pad,
  border,
  bg,
  icc,
  meta,
  encode,
  placeholder,
  delivery,
] as const;

type Joined<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void
  ? I
  : never;
type ParamsOf<O> = O extends Operation<infer P extends Params> ? P : never;

/** Every parameter by key, as the table defines it. */
export type AllParams = Joined<ParamsOf<(typeof OPERATIONS)[number]>>;
/** A canonical form as typed values. */
export type Transformation = ValuesOf<AllParams>;
