/** Says how much of the edge function's room is left; part of `npm run check`, since every parameter takes some. */
import { edgeBundle, MAX_BYTES } from './build.ts';

for (const signed of [false, true]) {
  // The larger of both: with q=auto.
  const bytes = Buffer.byteLength(await edgeBundle({ signed, autoQuality: true }));
  const left = MAX_BYTES - bytes;
  process.stdout.write(
    `edge function, ${signed ? 'signed' : 'open'}: ${bytes} of ${MAX_BYTES} bytes, ${left} left\n`,
  );
}
