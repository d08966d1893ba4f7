import sharp from 'sharp';
import t from 'tap';
import { readQuery } from '../../../server/core/operations/transformation.ts';
import { sharpProblem } from '../../../server/core/sharp/sharp-errors.ts';
import type { ProblemCode } from '../../../server/shared/errors.ts';
import {
  isProblem,
  PROBLEMS,
  Problem,
  problemBody,
  problemCacheControl,
} from '../../../server/shared/errors.ts';
import { corpus } from '../../support/corpus.ts';
import { landmarks, picture } from '../../support/pictures.ts';

const asked = async (query: string) => readQuery(query, {});
const few = { limits: { maxPixels: 1000, maxFrames: 2 } };

/** What the core itself refuses, each by a real query or file. */
const REACHED: Partial<Record<ProblemCode, () => Promise<unknown>>> = {
  invalid_parameter: () => asked('w=0'),
  unknown_parameter: () => asked('wide=1'),
  duplicate_parameter: () => asked('w=1&width=1'),
  unsigned_parameter: () => asked(`w=1&kid=k&sig=w-${'a'.repeat(43)}&h=1`),
  conflicting_parameters: () => asked('lossless&q=1'),
  uri_too_long: () => asked(`bg=${'f'.repeat(1025)}`),
  unsupported_source: async () => picture(await corpus('formats/unsupported.pdf'), ''),
  damaged_source: async () => picture(await corpus('corrupt/truncated.png'), ''),
  too_many_pixels: async () => picture(await landmarks(50, 50), '', few),
  too_many_frames: async () => picture(await corpus('animated/red-blue.gif'), 'anim=1&fmt=webp', few),
  no_overlap: async () => picture(await landmarks(9, 9), 'rect=9,9,1,1'),
};

t.test('every refusal of the core is reached by a real query or file', async (t) => {
  for (const [code, reach] of Object.entries(REACHED)) {
    const error = await reach().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    t.ok(isProblem(error), code);
    t.match(error, { code, detail: /^.{20,}$/ });
  }
});

t.test('a render that takes too long is a deadline', async (t) => {
  const endless = sharp({ create: { width: 9000, height: 9000, channels: 3, background: 'red' } }).blur(90);
  const error = await endless.timeout({ seconds: 1 }).png().toBuffer().catch(sharpProblem);
  t.match(error, { code: 'deadline', status: 504 });
});

t.test('a mistake of ours is never told as damage of the file', async (t) => {
  const mistakes = [
    new TypeError('x is not a function'),
    new RangeError('out of range'),
    await sharp(await landmarks(5, 5))
      .extract({ left: 4, top: 4, width: 9, height: 9 })
      .png()
      .toBuffer()
      .catch((error: unknown) => error),
    await Promise.resolve()
      .then(() => sharp(Buffer.from('x')).resize(-1))
      .catch((error: unknown) => error),
    'a string',
  ];
  for (const mistake of mistakes) t.equal(sharpProblem(mistake), mistake, String(mistake));
  const abort = AbortSignal.abort();
  t.equal(sharpProblem(abort.reason), abort.reason);
  const problem = new Problem('no_overlap', 'Beside the image.');
  t.equal(sharpProblem(problem), problem);
});

t.test('the body says all that is known of a Problem and nothing of anything else', async (t) => {
  const problem = new Problem('invalid_parameter', 'No.', {
    param: 'w',
    received: '0',
    allowed: '1-8192',
    retryAfterSeconds: 3,
  });
  t.same(problemBody(problem, 'r-1'), {
    type: 'urn:rendition:problem:invalid_parameter',
    title: 'Parameter value not accepted',
    status: 400,
    detail: 'No.',
    instance: 'r-1',
    code: 'invalid_parameter',
    param: 'w',
    received: '0',
    allowed: '1-8192',
  });
  const inside = problemBody(new Error('password=hunter2 at /srv/app.ts:3'), 'r-2');
  t.match(inside, { status: 500, code: 'internal', instance: 'r-2' });
  t.notMatch(JSON.stringify(inside), /hunter2|srv/);
});

t.test('mistakes in a URL are cached for a while, trouble of ours never', async (t) => {
  for (const code of Object.keys(PROBLEMS) as ProblemCode[]) {
    const [status] = PROBLEMS[code];
    const cached = problemCacheControl(code);
    if (status >= 500 || status === 429 || status === 401) t.equal(cached, 'no-store', code);
    else t.notMatch(cached, /immutable/, code);
  }
  t.match(problemCacheControl('invalid_parameter'), /max-age=[1-9]/);
  t.match(problemCacheControl('image_not_found'), /max-age=30/);
});
