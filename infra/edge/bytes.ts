/** Says how much of the edge function's room is left; part of `npm run check`, since every parameter takes some. */
import { edgeBundle, MAX_BYTES } from './build.ts';
import { LARGEST, PLAIN } from './largest.ts';

const STAGES = {
  'no settings': PLAIN,
  'signed, every setting at its largest (QUALITY=auto, IGNORED_PARAMETERS, REVISION, bucket first)': LARGEST,
};

for (const [stage, options] of Object.entries(STAGES)) {
  const bytes = Buffer.byteLength(await edgeBundle(options));
  const left = MAX_BYTES - bytes;
  process.stdout.write(`edge function, ${stage}: ${bytes} of ${MAX_BYTES} bytes, ${left} left\n`);
}
