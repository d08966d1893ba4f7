import type { Sharp } from 'sharp';
import sharp from 'sharp';
import t from 'tap';
import type { Size, Slot, Step } from '../../../../server/core/operations/operation.ts';
import { SLOTS } from '../../../../server/core/operations/operation.ts';
import { FRESH, passesOf } from '../../../../server/core/plan/passes.ts';
import { fromRaw, rawHandover, runSteps, toRaw } from '../../../../server/core/render/pipeline.ts';
import { difference, drawn, pixels } from '../../../support/pictures.ts';
import { times } from '../../../support/sample.ts';

/** Blocks and crops by content are resizes as well; colours change between two passes. */
type Called = Exclude<Slot, 'colour' | 'blocks' | 'smart'>;

/** A call to sharp for every other slot, such that its place among the others shows. */
const CALLS: Readonly<Record<Called, (image: Sharp) => Sharp>> = {
  flatten: (image) => image.flatten({ background: '#30c060' }),
  resize: (image) => image.resize(22, 30, { fit: 'fill' }),
  flip: (image) => image.flop(),
  turn: (image) => image.rotate(90),
  rotate: (image) => image.rotate(30, { background: '#8040ff' }),
  crop: (image) => image.extract({ left: 2, top: 1, width: 12, height: 15 }),
  extend: (image) => image.extend({ top: 5, left: 9, right: 2, bottom: 1, background: '#ff2000' }),
  median: (image) => image.median(7),
  blur: (image) => image.blur(3),
  recomb: (image) =>
    image.recomb([
      [0.2, 0.3, 0.5],
      [0.1, 0.9, 0],
      [1, 0, 0],
    ]),
  modulate: (image) => image.modulate({ hue: 120, brightness: 1.2 }),
  sharpen: (image) => image.sharpen({ sigma: 4, m1: 8, m2: 8 }),
  composite: (image) =>
    image.composite([
      { input: { create: { width: 7, height: 7, channels: 3, background: '#00ffff' } }, left: 3, top: 2 },
    ]),
  gamma: (image) => image.gamma(1, 2.8),
  linear: (image) => image.linear(0.5, 10),
  normalise: (image) => image.normalise(),
  tint: (image) => image.tint('#ff8000'),
};

/** What no plan puts into one pass in this order: gam stands before gray, and crops without a resize are regions. */
const NEVER = new Set(['recomb gamma', 'flip crop']);

/** Calls whose order decides where sharp crops and turns; runSteps makes them in the order of the plan. */
const ORDERED = new Set<Called>(['flatten', 'resize', 'flip', 'turn', 'rotate', 'crop', 'extend']);

const opaque = () => drawn(40, 30, (x, y) => [x * 6, 255 - y * 8, (x * y) % 90 < 45 ? 30 : 160]);
const clear = () => drawn(40, 30, (x, y) => [x * 6, 255 - y * 8, 90, x + y < 30 ? 90 : 255]);
const entry = async (bytes: Buffer, ...slots: Called[]) =>
  slots
    .reduce((image, slot) => CALLS[slot](image), sharp(bytes))
    .toColourspace('srgb')
    .png()
    .toBuffer();
const apart = async (a: Buffer, b: Buffer) => difference(await pixels(a), await pixels(b));

const slots = (Object.keys(CALLS) as Called[]).sort((a, b) => SLOTS[a] - SLOTS[b]);
const pairs = slots.flatMap((first, index) =>
  slots
    .slice(index + 1)
    .flatMap((second) =>
      SLOTS[first] < SLOTS[second] && !NEVER.has(`${first} ${second}`) ? [[first, second] as const] : [],
    ),
);

t.test(
  'the slots are in the order of sharp: any two calls in one pipeline run as the table says',
  async (t) => {
    let telling = 0;
    let swaps = 0;
    for (const [index, [first, second]] of pairs.entries()) {
      const source = await (first === 'flatten' ? clear() : opaque());
      const apiece = await entry(await entry(source, first), second);
      const together = ORDERED.has(first)
        ? await entry(source, first, second)
        : await entry(source, second, first);
      const off = await apart(together, apiece);
      t.ok(off < 2.5, `${first}, then ${second}: off by ${off.toFixed(2)}`);
      if (index % times(4, 1) > 0) continue;
      swaps++;
      const swapped = await entry(await entry(source, second), first).catch(() => undefined);
      if (!swapped || (await apart(swapped, apiece)) > 3) telling++;
    }
    t.ok(telling > swaps / 2, `${telling} of ${swaps} pairs would show another order`);
  },
);

t.test(
  'sharp forgets a quarter turn when another turn follows, which is why both have one slot',
  async (t) => {
    const source = await opaque();
    const together = await entry(source, 'turn', 'rotate');
    t.ok((await apart(together, await entry(await entry(source, 'turn'), 'rotate'))) > 5);
    t.equal(SLOTS.turn, SLOTS.rotate);
  },
);

const RESIZED: Readonly<Partial<Record<Called, (size: Size) => Size>>> = {
  turn: ({ width, height }) => ({ width: height, height: width }),
  crop: () => ({ width: 12, height: 15 }),
  extend: ({ width, height }) => ({ width: width + 11, height: height + 6 }),
};

const step = (slot: Called, more: Partial<Step> = {}): Step => {
  const resized = RESIZED[slot];
  const named = { kind: 'operation', name: slot, slot, apply: CALLS[slot], ...more } as const;
  return resized ? { ...named, resized } : named;
};

t.test('a step that sharp would run too early starts a new pass', async (t) => {
  t.same(passesOf([], false), [[]]);
  t.same(passesOf([step('resize'), step('blur'), step('linear')], false), [['resize', 'blur', 'linear']]);
  t.same(passesOf([step('linear'), step('extend')], false), [['linear'], ['extend']]);
  t.same(passesOf([step('blur'), step('blur')], false), [['blur'], ['blur']]);
  t.same(passesOf([step('turn'), step('rotate'), step('linear')], false), [['turn'], ['rotate', 'linear']]);
  t.same(passesOf([step('flip'), { ...step('resize'), slot: 'smart' }], false), [['flip'], ['resize']]);
  t.same(passesOf([step('extend', { opens: true }), step('blur')], false), [['extend'], ['blur']]);
});

t.test('alpha is multiplied in only where nothing looks at colours meanwhile', async (t) => {
  const turned = step('rotate', { opens: true });
  t.same(passesOf([step('resize'), step('median')], true), [['resize'], ['median']]);
  t.same(passesOf([step('resize'), step('rotate')], true), [['resize'], ['rotate']]);
  t.same(passesOf([step('median'), step('blur')], true), [['median'], ['blur']]);
  t.same(passesOf([step('resize'), step('median'), step('blur')], false), [['resize', 'median', 'blur']]);
  t.same(passesOf([{ ...step('resize'), slot: 'flatten' }, step('crop'), step('median')], true), [
    ['resize', 'crop', 'median'],
  ]);
  t.same(passesOf([turned, step('linear')], false), [['rotate', 'linear']]);
  t.same(passesOf([turned, step('turn'), step('resize'), step('median')], false), [
    ['rotate'],
    ['turn'],
    ['resize'],
    ['median'],
  ]);
  const mark = { ...step('linear'), slot: 'composite' } as const;
  t.same(passesOf([step('resize'), turned, mark], false), [['resize', 'rotate'], ['linear']]);
  t.same(passesOf([turned, mark], false), [['rotate', 'linear']]);
  t.same(passesOf([step('median', { exceeds: true }), mark], false), [['median'], ['linear']]);
});

t.test('steps run in their own order whatever sharp would do', async (t) => {
  const options = { timeoutSeconds: 5 };
  const handover = rawHandover(options);
  const order: Called[] = ['median', 'extend', 'tint', 'blur', 'crop', 'linear', 'turn'];
  const source = await opaque();
  const draft = { image: sharp(source), size: { width: 40, height: 30 }, pass: FRESH };
  const done = await runSteps(
    draft,
    order.map((slot) => step(slot)),
    handover,
    options,
  );
  let expected = source;
  for (const slot of order) expected = await entry(expected, slot);
  t.ok((await apart(await done.image.png().toBuffer(), expected)) < 2);
});

t.test('a signal stops between two passes', async (t) => {
  const signal = AbortSignal.abort(new Error('left'));
  const source = sharp(await opaque());
  const handover = async (image: Sharp) => image;
  const draft = { image: source, size: { width: 40, height: 30 }, pass: FRESH };
  await t.rejects(
    runSteps(draft, [step('linear'), step('blur')], handover, { timeoutSeconds: 5, signal }),
    /left/,
  );
});

t.test('pixels are taken only where they are as many as planned', async (t) => {
  const image = () => sharp({ create: { width: 6, height: 4, channels: 3, background: '#fff' } });
  const options = { timeoutSeconds: 5 };
  t.match(await toRaw(image(), { width: 6, height: 4 }, options), { width: 6, height: 4, channels: 3 });
  // Of a crop and an extend in one pass sharp names the crop's size.
  const torn = image()
    .resize(5, 4, { fit: 'fill' })
    .extract({ left: 0, top: 0, width: 3, height: 3 })
    .extend(2);
  const { info } = await torn.clone().raw().toBuffer({ resolveWithObject: true });
  t.match(info, { width: 3, height: 3 }, 'what sharp says');
  t.match(await toRaw(torn.clone(), { width: 7, height: 7 }, options), { width: 7, height: 7 });
  await t.rejects(toRaw(torn.clone(), { width: 3, height: 3 }, options), { name: 'TypeError' });
  const data = Buffer.alloc(6 * 4 * 3 - 1);
  t.throws(() => fromRaw({ data, width: 6, height: 4, channels: 3 }), { name: 'TypeError' });
});
