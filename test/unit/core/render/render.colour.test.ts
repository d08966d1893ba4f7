import sharp from 'sharp';
import t from 'tap';
import { corpus } from '../../../support/corpus.ts';
import { difference, drawn, landmarks, numbers, off, picture, pixels } from '../../../support/pictures.ts';
import { sampler } from '../../../support/sample.ts';

const flat = (...color: number[]) => drawn(24, 16, () => color);
const middle = async (bytes: Uint8Array) => (await pixels(bytes)).at(12, 8);
const shade = (source: Buffer, query: string) =>
  picture(source, `${query}&fmt=png`).then(({ bytes }) => pixels(bytes));

t.test(
  'CMYK goes through its profile: the solid of FOGRA39 is the red of the press, in every format',
  async (t) => {
    const source = await corpus('colour/cmyk-fogra39.tif');
    for (const query of [
      'fmt=jpeg',
      'fmt=png',
      'fmt=webp',
      'fmt=avif',
      'fmt=jpeg&icc=keep',
      'fmt=jpeg&icc=p3',
      'fmt=png&pad=2&inv&inv=1',
    ]) {
      const seen = await picture(source, `w=24&${query.replace('&inv&inv=1', '&inv')}`);
      const expected = query.includes('inv') ? [28, 249, 236] : [227, 6, 19];
      t.ok(off(await middle(seen.bytes), expected) <= 6, `${query}: ${await middle(seen.bytes)}`);
    }
    const small = await pixels((await picture(await corpus('samples/cmyk-small.jpg'), 'fmt=png')).bytes);
    t.ok(off(small.at(2, 2), [255, 255, 255]) < 4, 'paper is white: Adobe stores CMYK upside down');
  },
);

t.test('colours outside sRGB stay for icc=p3 and icc=keep, and are clipped for sRGB', async (t) => {
  const source = await corpus('colour/p3-8x8.png');
  const original = (await numbers(source)).at(4, 4);
  for (const query of [
    'icc=p3',
    'icc=keep',
    'icc=p3&r=1',
    'icc=keep&blur=1',
    'icc=p3&pix=2',
    'icc=p3&mb=90k',
    'icc=keep&mb=90k',
  ]) {
    const { bytes } = await picture(source, `${query}&fmt=png`);
    t.ok(off((await numbers(bytes)).at(4, 4), original) <= 3, `${query}: ${(await numbers(bytes)).at(4, 4)}`);
    t.ok((await sharp(bytes).metadata()).hasProfile, `${query} carries a profile`);
  }
  const srgb = await picture(source, 'fmt=png');
  t.ok(off((await numbers(srgb.bytes)).at(4, 4), [255, 0, 0]) <= 1);
  t.notOk((await sharp(srgb.bytes).metadata()).hasProfile, 'sRGB needs none');
});

t.test('icc=p3 of an sRGB picture looks the same', async (t) => {
  const deep = await sharp(await flat(180, 60, 30))
    .toColourspace('rgb16')
    .png()
    .toBuffer();
  for (const source of [await flat(180, 60, 30), deep]) {
    const { bytes } = await picture(source, 'icc=p3&fmt=png');
    t.ok(off(await middle(bytes), [180, 60, 30]) <= 2, String(await middle(bytes)));
    t.ok(off((await numbers(bytes)).at(12, 8), [180, 60, 30]) > 5, 'the numbers are those of P3');
  }
});

t.test('a background is the CSS colour in P3 too', async (t) => {
  const { bytes } = await picture(
    await corpus('colour/p3-8x8.png'),
    'icc=p3&pad=8&bg=00c040&border=4,3060ff&fmt=png',
  );
  const shown = await pixels(bytes);
  t.ok(off(shown.at(8, 8), [0, 192, 64]) <= 3, `padding ${shown.at(8, 8)}`);
  t.ok(off(shown.at(1, 1), [48, 96, 255]) <= 3, `border ${shown.at(1, 1)}`);
});

t.test('Adobe RGB is converted: its numbers change, its look does not', async (t) => {
  const source = await corpus('photos/adobergb-1.jpg');
  const { bytes } = await picture(source, 'w=120&fmt=png');
  const size = (await pixels(bytes)).width;
  const expected = await sharp(source)
    .resize(size)
    .withIccProfile('srgb', { attach: false })
    .png()
    .toBuffer();
  const ignored = await sharp(source, { ignoreIcc: true }).resize(size).png().toBuffer();
  t.ok(difference(await pixels(bytes), await pixels(expected)) < 2);
  t.ok(difference(await pixels(bytes), await pixels(ignored)) > 4);
});

t.test('16 bits come down to 8 with the colours of the profile', async (t) => {
  const wide = sharp(await flat(255, 0, 0))
    .toColourspace('rgb16')
    .withIccProfile('srgb');
  const source = await wide.png().toBuffer();
  t.equal((await sharp(source).metadata()).depth, 'ushort');
  for (const query of ['w=12', 'w=12&pad=2&bg=00f', 'fmt=jpeg', 'mb=50k', 'blur=1']) {
    const { bytes } = await picture(source, query.includes('fmt') ? query : `${query}&fmt=png`);
    const seen = await pixels(bytes);
    t.ok(off(seen.at(seen.width >> 1, seen.height >> 1), [255, 0, 0]) <= 3, query);
    t.equal((await sharp(bytes).metadata()).depth, 'uchar');
  }
  const flag = await pixels((await picture(await corpus('colour/16bit-flag.png'), 'w=90&fmt=png')).bytes);
  t.ok(off(flag.at(45, 5), [174, 28, 40]) <= 12, `red of the flag: ${flag.at(45, 5)}`);
  t.ok(off(flag.at(45, 55), [33, 70, 139]) <= 12, `blue of the flag: ${flag.at(45, 55)}`);
});

t.test('a grey picture takes colours: tint, duotone, coloured padding', async (t) => {
  const grey = await sharp(await drawn(24, 16, (x) => [x * 10, x * 10, x * 10]))
    .toColourspace('b-w')
    .png()
    .toBuffer();
  t.equal((await sharp(grey).metadata()).channels, 1);
  t.ok(off((await shade(grey, 'pad=4&bg=ff0000')).at(1, 1), [255, 0, 0, 255]) === 0);
  t.ok(off((await shade(grey, 'duo=000080,ffff00')).at(0, 5), [0, 0, 128]) <= 2);
  const [red, green, blue] = (await shade(grey, 'tint=ff0000')).at(12, 5);
  t.ok(red > green + 40 && red > blue + 40);
  t.ok(off((await shade(grey, 'icc=keep&sat=20')).at(12, 5), [120, 120, 120]) <= 2);
});

t.test('alpha lies on white in a format without alpha, on bg where one is given', async (t) => {
  const clear = await drawn(24, 16, (x) => [0, 0, 0, x < 12 ? 0 : 255]);
  const seen = async (query: string) => (await pixels((await picture(clear, query)).bytes)).at(3, 8);
  t.ok(off(await seen('fmt=jpeg'), [255, 255, 255, 255]) <= 3);
  t.ok(off(await seen('fmt=jpeg&bg=00ff00'), [0, 255, 0, 255]) <= 6);
  t.equal((await seen('fmt=png'))[3], 0);
  t.ok(off(await seen('fmt=png&bg=00ff00'), [0, 255, 0, 255]) <= 1);
  t.ok(off(await seen('fmt=png&bg=00ff0080'), [0, 255, 0, 128]) <= 1, 'a see-through bg stays so');
  t.ok(off(await seen('fmt=jpeg&bg=00ff0080'), [127, 255, 127, 255]) <= 6);
  t.ok(off(await seen('fmt=jpeg&inv'), [255, 255, 255, 255]) <= 3, 'the ground is not negated');
});

t.test(
  'padding, letterbox, corners and border keep their colour whatever is done to the picture',
  async (t) => {
    const grey = await flat(100, 100, 100);
    for (const work of [
      'inv',
      'blur=4',
      'gray',
      'tint=0000ff',
      'sepia=100',
      'bri=40',
      'con=-80',
      'norm',
      'thr=50',
      'gam=2',
      'duo=000,0ff',
      'pix=4',
      'hue=180',
    ]) {
      for (const fmt of ['png', 'jpeg']) {
        const query = `${work}&pad=6&border=4,0000ff&bg=ff0000&fmt=${fmt}&chroma=444&q=98`.replace(
          /&chroma.*(?<=png.*)$/,
          '',
        );
        const shown = await pixels((await picture(grey, query)).bytes);
        t.ok(off(shown.at(1, 1), [0, 0, 255, 255]) <= 8, `${query}: border ${shown.at(1, 1)}`);
        t.ok(off(shown.at(7, 7), [255, 0, 0, 255]) <= 12, `${query}: padding ${shown.at(7, 7)}`);
      }
      const box = await shade(grey, `${work}&w=24&h=40&fit=contain&rot=90&bg=ff0000`);
      t.ok(off(box.at(1, 12), [255, 0, 0, 255]) <= 2, `${work}: letterbox ${box.at(1, 12)}`);
    }
    const turned = await shade(grey, 'inv&rot=45&bg=ff0000');
    t.ok(off(turned.at(1, 1), [255, 0, 0, 255]) <= 1, 'corners of a turned picture');
    const round = await shade(grey, 'inv&r=8&bg=ff0000');
    t.ok(off(round.at(0, 0), [255, 0, 0, 255]) <= 4, 'rounded corners');
  },
);

t.test('norm looks at what can be seen alone', async (t) => {
  const scene = (x: number, y: number) => [70 + x, 80 + y, 120];
  const seen = (x: number, y: number) => x > 8 && x < 52 && y > 8 && y < 32;
  const hiding = (color: readonly number[]) =>
    drawn(60, 40, (x, y) => (seen(x, y) ? [...scene(x, y), 255] : [...color, 0]));
  const region = await drawn(43, 23, (x, y) => scene(x + 9, y + 9));
  const wanted = await pixels((await picture(region, 'norm&fmt=png')).bytes);
  const isWanted = async (source: Buffer, query: string, [left, top]: readonly [number, number]) => {
    const shown = await pixels((await picture(source, `${query}&fmt=png`)).bytes);
    for (let x = 2; x < 41; x += 3)
      for (let y = 2; y < 21; y += 3) {
        const [a, b] = [shown.at(x + left, y + top), wanted.at(x, y)];
        if (off(a, b) > 6) return t.fail(`${query} at ${x},${y}: ${a}, not ${b}`);
      }
    return t.pass(query);
  };
  for (const color of [
    [0, 0, 0],
    [255, 255, 255],
    [255, 0, 0],
  ])
    await isWanted(await hiding(color), 'norm', [9, 9]);
  await isWanted(region, 'w=43&h=43&fit=contain&norm', [0, 10]);
  const clear = await drawn(4, 4, () => [9, 200, 9, 0]);
  t.equal((await pixels((await picture(clear, 'norm&fmt=png')).bytes)).at(1, 1)[3], 0);
});

t.test('blur is a bell as wide as its sigma, however small or large', async (t) => {
  const [side, edge] = [160, 80];
  const source = await drawn(side, 20, (x) => [x < edge ? 0 : 255, 0, 0]);
  for (const sigma of [0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.5, 2, 3, 5, 9, 15]) {
    const shown = await pixels((await picture(source, `blur=${sigma}&fmt=png`)).bytes);
    const weights = Array.from({ length: 2 * side + 1 }, (_, index) =>
      Math.exp(-((index - side) ** 2) / (2 * sigma ** 2)),
    );
    const all = weights.reduce((sum, weight) => sum + weight);
    for (let x = 40; x < 120; x++) {
      const lit = weights
        .filter((_, index) => x + index - side >= edge)
        .reduce((sum, weight) => sum + weight, 0);
      const [red] = shown.at(x, 10);
      if (Math.abs(red - (255 * lit) / all) > 5) t.fail(`blur=${sigma}: ${red} at ${x}`);
    }
  }
});

t.test('blur leaves a plain colour as it is', async (t) => {
  const plain = await flat(10, 200, 254);
  for (const sigma of [0.3, 0.5, 1, 1.5, 2, 3, 5, 20, 100]) {
    const shown = await shade(plain, `blur=${sigma}`);
    t.ok(off(shown.at(11, 11), [10, 200, 254]) <= 1, `blur=${sigma}: ${shown.at(11, 11)}`);
  }
});

t.test('blur does not bleed the border into the picture', async (t) => {
  const shown = await shade(await flat(10, 200, 10), 'blur=5&pad=10&bg=ff0000');
  t.ok(off(shown.at(11, 11), [10, 200, 10]) <= 1, String(shown.at(11, 11)));
});

t.test('a watermark keeps its colour over a picture that is changed, at its place and opacity', async (t) => {
  const watermark = await flat(0, 255, 0);
  const over = async (query: string) =>
    pixels((await picture(await landmarks(100, 60), `${query}&fmt=png`, { watermark })).bytes);
  const plain = await over('inv&tint=f00&wm=a&wmg=nw&wmp=5&wms=24');
  t.ok(off(plain.at(8, 8), [0, 255, 0]) <= 1);
  t.ok(off(plain.at(2, 2), [0, 255, 0]) > 60, 'inset');
  const half = await over('gray&bri=-100&wm=a&wmg=nw&wmp=0&wmo=50');
  t.ok(off(half.at(3, 3), [0, 128, 0]) <= 3, `half: ${half.at(3, 3)}`);
  const corner = await over('wm=a&wms=10&wmp=0');
  t.ok(off(corner.at(97, 57), [0, 255, 0]) <= 1, 'bottom right by default');
  t.ok(off(corner.at(85, 57), [0, 255, 0]) > 40, 'a tenth of the width');
  const framed = await over('wm=a&wmg=nw&wmp=0&pad=10&bg=00f');
  t.same(
    [framed.at(4, 4).slice(0, 3), framed.at(13, 13).slice(0, 3)],
    [
      [0, 0, 255],
      [0, 255, 0],
    ],
    'on the picture, not on its padding',
  );
});

t.test('a see-through border or padding does not turn black without alpha', async (t) => {
  const grey = await flat(100, 100, 100);
  const seen = async (query: string) => (await pixels((await picture(grey, query)).bytes)).at(2, 2);
  t.ok(off(await seen('border=8,ff000080&fmt=jpeg'), [255, 127, 127]) <= 8);
  t.ok(off(await seen('pad=8&fmt=jpeg&inv'), [255, 255, 255]) <= 4);
  t.ok(off(await seen('pad=8&bg=ff000080&fmt=png'), [255, 0, 0, 128]) <= 2, 'laid once, not twice');
});

t.test('thr is white from its level on, gam above 1 is lighter, con keeps the middle grey', async (t) => {
  const at = async (level: number, query: string) =>
    (await shade(await flat(level, level, level), query)).at(3, 3)[0];
  t.same(
    [await at(127, 'thr=128'), await at(128, 'thr=128'), await at(0, 'thr=0'), await at(254, 'thr=255')],
    [0, 255, 255, 0],
  );
  t.ok((await at(100, 'gam=2')) > 140);
  t.same([await at(128, 'con=60'), await at(64, 'con=100'), await at(200, 'con=-100')], [128, 0, 128]);
  t.ok((await at(100, 'bri=20')) > 110 && (await at(100, 'bri=-100')) === 0);
});

t.test('a threshold leaves black and white, and shades of grey before it change nothing', async (t) => {
  const colors = await drawn(256, 64, (x, y) => [x, (x * 7 + y * 3) % 256, y * 4]);
  for (const thr of [1, 90, 128, 200, 255]) {
    const shown = await shade(colors, `thr=${thr}`);
    const levels = new Set(shown.data);
    t.same([...levels].sort(), [0, 255], `thr=${thr}`);
    const luma = (color: readonly number[]) =>
      [0.2126, 0.7152, 0.0722].reduce((sum, share, band) => sum + share * (color[band] ?? 0), 0);
    const source = await pixels(colors);
    for (let x = 0; x < 256; x += 5)
      for (let y = 0; y < 64; y += 7) {
        const exact = luma(source.at(x, y));
        if (Math.abs(exact - thr) > 1)
          t.equal(shown.at(x, y)[0], exact > thr ? 255 : 0, `${exact} at ${thr}`);
      }
  }
});

t.test('steps that count in levels do so for 16 bits, with and without a profile', async (t) => {
  const sampled = sampler();
  const near = { 'formats/rgb16.tiff': 3, 'colour/16bit-flag.png': 3, 'formats/pngsuite-tbbn2c16.png': 3 };
  for (const [file, most] of Object.entries(near)) {
    const deep = await corpus(file);
    const shallow = (await picture(deep, 'fmt=png')).bytes;
    for (const query of sampled(
      ['inv', 'con=-100', 'con=40', 'bri=20&sharp=1&con=20', 'thr=128', 'duo=1b1464,f9f871'],
      3,
    )) {
      const [ours, plain] = [await shade(deep, query), await shade(shallow, query)];
      t.ok(difference(ours, plain) <= most, `${file} ${query}: ${difference(ours, plain)}`);
    }
  }
});

t.test('a GIF, which has no profile, is sRGB whatever was asked for, and says so', async (t) => {
  const red = await sharp([await flat(255, 0, 0), await flat(0, 0, 255)], { join: { animated: true } })
    .gif()
    .toBuffer();
  for (const query of ['icc=p3', 'icc=keep', 'icc=p3&fmt=source']) {
    const { bytes, warnings } = await picture(red, query);
    t.ok(off((await numbers(bytes)).at(4, 4), [255, 0, 0]) <= 2, query);
    t.same(warnings, ['icc-srgb'], query);
  }
});

t.test('a profile that was to stay and cannot is said, in every format, and only then', async (t) => {
  const profileOf = async (bytes: Uint8Array) => (await sharp(bytes).metadata()).icc;
  const rgb = (profile?: string) => async () => {
    const image = sharp(await flat(200, 90, 40)).jpeg();
    return (profile ? image.withIccProfile(profile) : image).toBuffer();
  };
  const originals: readonly [
    name: string,
    of: () => Promise<Uint8Array>,
    outcome: 'lost' | 'kept' | 'none',
  ][] = [
    ['grey', () => corpus('colour/grey-gamma22.jpg'), 'lost'],
    ['CMYK', () => corpus('colour/cmyk-fogra39.tif'), 'lost'],
    ['CMYK without a profile', () => corpus('samples/cmyk-small.jpg'), 'none'],
    ['P3', rgb('p3'), 'kept'],
    ['no profile', rgb(), 'none'],
  ];
  for (const [name, of, outcome] of originals) {
    const original = await of();
    for (const query of [
      'fmt=jpeg',
      'fmt=png',
      'fmt=webp',
      'fmt=avif',
      'fmt=png&pad=2',
      'fmt=webp&lossless',
    ]) {
      const { bytes, warnings } = await picture(original, `w=20&icc=keep&${query}`);
      t.same(warnings, outcome === 'lost' ? ['icc-srgb'] : [], `${name} ${query}`);
      const own = await profileOf(original);
      const isKept = own !== undefined && (await profileOf(bytes))?.equals(own) === true;
      t.equal(isKept, outcome === 'kept', `${name} ${query}: the profile`);
    }
    for (const query of ['icc=srgb', 'icc=p3', 'icc=keep&ph=color'])
      t.same((await picture(original, `w=20&${query}`)).warnings, [], `${name} ${query}`);
  }
});

t.test('what the format of the original cannot do is said', async (t) => {
  const photo = await sharp(await flat(9, 9, 9))
    .jpeg()
    .toBuffer();
  for (const [query, warning] of [
    ['lossless', 'lossless-ignored'],
    ['colors=4', 'colors-ignored'],
    ['anim=1', 'anim-ignored'],
  ] as const)
    t.same((await picture(photo, `fmt=source&${query}`)).warnings, [warning], query);
  t.same((await picture(photo, 'fmt=source&q=40')).warnings, []);
});
