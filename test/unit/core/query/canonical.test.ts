import t from 'tap';
import { ROWS, RULES } from '../../../../server/core/operations/table.ts';
import { readPresets, readQuery } from '../../../../server/core/operations/transformation.ts';
import type { ProblemCode } from '../../../../server/shared/errors.ts';
import { isProblem } from '../../../../server/shared/errors.ts';

const PRESETS = readPresets({ card: 'width=300&height=200&fit=crop&q=60', retina: 'w=100&dpr=2' });
/** Base64url of 100 letters of two bytes. */
const TEXT_OF_200 = Buffer.from('é'.repeat(100)).toString('base64url');
const form = (query: string): string => readQuery(query, PRESETS).canonical;

/** Parameter: what it accepts with the canonical form of it, and what it refuses (400). */
const CONTRACT: Readonly<Record<string, { accepts: Record<string, string>; refuses: readonly string[] }>> = {
  w: {
    accepts: { 'w=1': 'w=1', 'w=8192': 'w=8192', 'width=640': 'w=640' },
    refuses: ['w=0', 'w=8193', 'w=', 'w=1.5', 'w=+5', 'w=1e3', 'w=0x10', 'w=-1', 'w=NaN', 'w=08', 'w=%2064'],
  },
  h: { accepts: { 'h=8192': 'h=8192', 'height=1': 'h=1' }, refuses: ['h=0', 'h=8193', 'h'] },
  ar: {
    accepts: {
      'ar=16:9': 'ar=16:9',
      'ar=32:18': 'ar=16:9',
      'ar=1.5': 'ar=3:2',
      'ar=0.01': 'ar=1:100',
      'ar=100': 'ar=100:1',
      'ar=16:9&w=800': 'h=450&w=800',
      'ar=16:9&h=450': 'h=450&w=800',
      'ar=2.35:1': 'ar=47:20',
      'ar=1.91x1&w=191': 'h=100&w=191',
      'ar=1:0.01': 'ar=100:1',
      'ar=0.125:0.5': 'ar=1:4',
      'ar=99999:1000': 'ar=99999:1000',
    },
    refuses: [
      ...['ar=0', 'ar=0.009', 'ar=101', 'ar=1:0', 'ar=0:1', 'ar=0:0', 'ar=4:3&w=10&h=10', 'ar=100&h=800'],
      ...['ar=a:b', 'ar=1:', 'ar=:1', 'ar=:', 'ar=1:1:1', 'ar=-1:-1', 'ar=1.0005:1', 'ar=100000:99999'],
      ...['ar=01:1', 'ar=123.457:12.345'],
    ],
  },
  fit: {
    accepts: Object.fromEntries(
      Object.entries({
        cover: 'cover',
        crop: 'cover',
        contain: 'contain',
        pad: 'contain',
        fill: 'fill',
        scale: 'fill',
        force: 'fill',
        stretch: 'fill',
        squeeze: 'fill',
        outside: 'outside',
        min: 'cover',
        COVER: 'cover',
      })
        .map(([given, meant]) => [`fit=${given}&h=8&w=8`, `fit=${meant}&h=8&w=8`])
        .concat(['inside', 'clip', 'max', 'scale-down'].map((same) => [`fit=${same}&h=8&w=8`, 'h=8&w=8'])),
    ),
    refuses: ['fit=zoom', 'fit=', 'fit'],
  },
  g: {
    accepts: Object.fromEntries(
      ['center', 'n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw', 'entropy', 'attention']
        .map((g) => [g, g])
        .concat([
          ['top', 'n'],
          ['right', 'e'],
          ['bottom', 's'],
          ['left', 'w'],
          ['smart', 'attention'],
        ])
        .flatMap(([given, meant]) =>
          ['g', 'gravity', 'position', 'crop'].map((key) => [`ar=1&${key}=${given}`, `ar=1:1&g=${meant}`]),
        )
        .concat([['ar=1&g=focal', 'ar=1:1']]),
    ),
    refuses: ['g=middle', 'crop=0,0,10,10', 'g=', 'crop=cover'],
  },
  fp: {
    accepts: { 'ar=1&fp=0.25,0.75': 'ar=1:1&fp=0.25,0.75', 'ar=1&fp=0,1': 'ar=1:1&fp=0,1' },
    refuses: ['fp=1.1,0', 'fp=0.5', 'fp=0.1,0.2,0.3', 'ar=1&fp=0,0&g=n', 'fp=-0.1,0', 'fp=0.1234,0'],
  },
  zoom: {
    accepts: {
      'ar=1&zoom=2.5': 'ar=1:1&zoom=2.5',
      'ar=1&zoom=10': 'ar=1:1&zoom=10',
      'ar=1&zoom=1': 'ar=1:1',
    },
    refuses: ['zoom=0.9', 'zoom=10.1', 'ar=1&zoom=2&g=attention', 'ar=1&zoom=2&g=entropy'],
  },
  rect: {
    accepts: {
      'rect=0,0,10,10': 'rect=0,0,10,10',
      'extract=1,2,3,4': 'rect=1,2,3,4',
      'rect=r,0.25,0,0.5,1': 'rect=r,0.25,0,0.5,1',
      'rect=r,0,0,1,1': '',
    },
    refuses: ['rect=0,0,0,10', 'rect=1,2,3', 'rect=r,0,0,2,1', 'rect=-1,0,5,5', 'rect=r,0,0,0,1'],
  },
  trim: {
    accepts: {
      trim: 'trim=10',
      'trim=true': 'trim=10',
      'trim=99': 'trim=99',
      'trim=1': 'trim=1',
      'trim=0': '',
    },
    refuses: ['trim=100', 'trim=-1', 'trim=yes'],
  },
  dpr: {
    accepts: {
      'w=100&dpr=2': 'w=200',
      'w=100&dpr=1.25': 'w=125',
      'w=100&dpr=4': 'w=400',
      'w=100&dpr=5': 'w=500',
      'w=100&dpr=0.5': 'w=100',
      'w=100&dpr=0.99': 'w=100',
      'w=100&dpr=1.0000000001': 'w=125',
      'w=100&dpr=1.100000023841858': 'w=125',
      'w=100&dpr=2.625': 'w=275',
      'w=100&dpr=2.0000': 'w=200',
      'dpr=3': '',
      'w=100&pad=5&border=2,red&r=4&blur=1.5&pix=3&dpr=2': 'blur=3&border=4,ff0000&pad=10&pix=6&r=8&w=200',
      'wm=a&dpr=2': 'wm=a&wmp=32',
      'rect=1,2,3,4&sharp=2&median=3&dpr=2': 'median=3&rect=1,2,3,4&sharp=2',
    },
    refuses: ['dpr=0.499', 'dpr=5.001', 'dpr=1e0', 'dpr=.5', 'dpr=2.', 'dpr=01', 'dpr=', 'w=5000&dpr=2'],
  },
  up: {
    accepts: {
      'w=9&up': 'up=1&w=9',
      'w=9&enlarge=TRUE': 'up=1&w=9',
      'w=9&up=0': 'w=9',
      'ar=1&zoom=2&up': 'ar=1:1&up=1&zoom=2',
      'ar=1&fit=contain&zoom=2&up': 'ar=1:1&fit=contain',
      up: '',
    },
    refuses: ['up=2', 'up=yes'],
  },
  pad: {
    accepts: {
      'pad=10': 'pad=10',
      'pad=1,2,3,4': 'pad=1,2,3,4',
      'pad=5,5,5,5': 'pad=5',
      'pad=0': '',
      'pad=1000': 'pad=1000',
    },
    refuses: ['pad=1001', 'pad=1,2', 'pad=-1', 'pad=1,2,3,4,5', 'pad=1.5'],
  },
  border: {
    accepts: {
      'border=5,f00': 'border=5,ff0000',
      'border=5,%23f00': 'border=5,ff0000',
      'border=1,Red': 'border=1,ff0000',
    },
    refuses: ['border=5', 'border=0,red', 'border=5,notacolour', 'border=5,##f00', 'border=red,5'],
  },
  bg: {
    accepts: {
      'bg=fff': 'bg=ffffff',
      'bg=%23fff': 'bg=ffffff',
      'bg=%23F0A8': 'bg=ff00aa88',
      'bg=F0A8': 'bg=ff00aa88',
      'background=rebeccapurple': 'bg=663399',
      'bg=12345678': 'bg=12345678',
      'bg=123456ff': 'bg=123456',
      'bg=transparent': '',
      'bg=ff000000': '',
    },
    refuses: ['bg=%23', 'bg=%23%23fff', 'bg=%23red', 'bg=ff', 'bg=fffff', 'bg=nocolour', 'bg='],
  },
  orient: {
    accepts: { 'orient=0': 'orient=0', 'orient=auto': '' },
    refuses: ['orient=1', 'orient=90', 'orient'],
  },
  rot: {
    accepts: {
      'rot=0': '',
      'rot=359': 'rot=359',
      'rotate=90': 'rot=90',
      'rot=180': 'flip=hv',
      'rot=270&flip=v': 'flip=h&rot=90',
      'rot=90&flip=h': 'flip=h&rot=90',
      'rot=270&flip=hv': 'rot=90',
      'rot=30&flip=hv': 'flip=hv&rot=30',
      'rot=200&flip=h': 'flip=h&rot=200',
    },
    refuses: ['rot=360', 'rot=-90', 'rot=1.5'],
  },
  flip: {
    accepts: {
      'flip=h': 'flip=h',
      'flip=v': 'flip=v',
      'flip=HV': 'flip=hv',
      'flip=hv&rot=180': '',
      'flip=h&rot=180': 'flip=v',
    },
    refuses: ['flip=x', 'flip'],
  },
  blur: {
    accepts: { 'blur=0.3': 'blur=0.3', 'blur=100': 'blur=100', 'blur=2.50': 'blur=2.5', 'blur=0': '' },
    refuses: ['blur=0.2', 'blur=101', 'blur=.5', 'blur=1.'],
  },
  sharp: {
    accepts: { 'sharp=0.1': 'sharp=0.1', 'sharpen=10': 'sharp=10' },
    refuses: ['sharp=0.05', 'sharp=11'],
  },
  bri: {
    accepts: { 'bri=-100': 'bri=-100', 'bri=100': 'bri=100', 'bri=0': '' },
    refuses: ['bri=101', 'bri=-0', 'bri=1.5'],
  },
  con: { accepts: { 'con=-100': 'con=-100', 'con=40': 'con=40' }, refuses: ['con=-101'] },
  sat: { accepts: { 'sat=100': 'sat=100', 'sat=-5': 'sat=-5' }, refuses: ['sat=200'] },
  hue: { accepts: { 'hue=359': 'hue=359', 'hue=0': '' }, refuses: ['hue=360', 'hue=-1'] },
  gam: {
    accepts: { 'gam=2.2': 'gam=2.2', 'gamma=3': 'gam=3', 'gam=1': '' },
    refuses: ['gam=0.9', 'gam=3.1'],
  },
  norm: { accepts: { norm: 'norm=1', 'normalize=1': 'norm=1', 'norm=false': '' }, refuses: ['norm=2'] },
  gray: { accepts: { gray: 'gray=1', grayscale: 'gray=1', greyscale: 'gray=1' }, refuses: ['gray=50'] },
  sepia: { accepts: { 'sepia=100': 'sepia=100', 'sepia=0': '' }, refuses: ['sepia=101', 'sepia'] },
  tint: {
    accepts: { 'tint=2e8b57': 'tint=2e8b57', 'tint=Teal': 'tint=008080' },
    refuses: ['tint=transparent', 'tint=ff000080'],
  },
  duo: {
    accepts: { 'duo=000,fff': 'duo=000000,ffffff', 'duotone=navy,gold': 'duo=000080,ffd700' },
    refuses: ['duo=red', 'duo=red,blue,green', 'duo=red,transparent'],
  },
  inv: { accepts: { inv: 'inv=1', 'negate=true': 'inv=1' }, refuses: ['inv=all'] },
  pix: { accepts: { 'pix=2': 'pix=2', 'pixelate=100': 'pix=100' }, refuses: ['pix=1', 'pix=101'] },
  median: {
    accepts: { 'median=1': '', 'median=2': 'median=2', 'median=15': 'median=15' },
    refuses: ['median=16', 'median=0.5'],
  },
  thr: { accepts: { 'thr=0': 'thr=0', 'threshold=255': 'thr=255' }, refuses: ['thr=256', 'thr=-1'] },
  r: { accepts: { 'r=12': 'r=12', 'radius=MAX': 'r=max', 'r=0': '' }, refuses: ['r=-1', 'r=min', 'r='] },
  mask: { accepts: { 'mask=ellipse': 'mask=ellipse' }, refuses: ['mask=star'] },
  wm: { accepts: { 'wm=logo': 'wm=logo' }, refuses: ['wm=https://evil.example/x.png', 'wm=../x', 'wm='] },
  wmg: {
    accepts: { 'wm=a&wmg=nw': 'wm=a&wmg=nw', 'wm=a&wmg=TOP': 'wm=a&wmg=n', 'wm=a&wmg=se': 'wm=a' },
    refuses: ['wmg=focal'],
  },
  wmo: { accepts: { 'wm=a&wmo=1': 'wm=a&wmo=1', 'wm=a&wmo=100': 'wm=a' }, refuses: ['wmo=0', 'wmo=101'] },
  wms: { accepts: { 'wm=a&wms=100': 'wm=a&wms=100', 'wm=a&wms=20': 'wm=a' }, refuses: ['wms=0', 'wms=101'] },
  wmp: { accepts: { 'wm=a&wmp=0': 'wm=a&wmp=0', 'wm=a&wmp=16': 'wm=a' }, refuses: ['wmp=-1', 'wmp=1.5'] },
  wmt: { accepts: { 'wm=a&wmt': 'wm=a&wmt=1', 'wm=a&wmt=0': 'wm=a' }, refuses: ['wmt=2'] },
  wmx: {
    accepts: {
      'wm=a&wmx=YQ': 'wm=a&wmx=YQ',
      'wm=a&wmx=YWI': 'wm=a&wmx=YWI',
      'wm=a&wmx=YWJj': 'wm=a&wmx=YWJj',
      [`wm=a&wmx=${TEXT_OF_200}`]: `wm=a&wmx=${TEXT_OF_200}`,
    },
    // Padding, bits that no byte has, the other alphabet, 201 bytes.
    refuses: ['wmx=', 'wmx=YQ==', 'wmx=YR', 'wmx=YWJ', 'wmx=YWI+', 'wmx=YWJjZ', `wmx=${'YWFh'.repeat(67)}`],
  },
  wm2: {
    accepts: { 'wm=a&wm2=b': 'wm=a&wm2=b', 'wm2=b': '', 'wm=a&wm2=a': 'wm=a&wm2=a' },
    refuses: ['wm2=../x', 'wm2='],
  },
  wm2g: {
    accepts: { 'wm=a&wm2=b&wm2g=TOP': 'wm=a&wm2=b&wm2g=n', 'wm=a&wm2g=n': 'wm=a' },
    refuses: ['wm2g=focal'],
  },
  wm2o: { accepts: { 'wm=a&wm2=b&wm2o=1': 'wm=a&wm2=b&wm2o=1' }, refuses: ['wm2o=0', 'wm2o=101'] },
  wm2s: { accepts: { 'wm=a&wm2=b&wm2s=20': 'wm=a&wm2=b' }, refuses: ['wm2s=0', 'wm2s=101'] },
  wm2p: {
    accepts: {
      'wm=a&wm2=b&wm2p=16': 'wm=a&wm2=b',
      'wm=a&wm2=b&wm2t&wm2g=center&wm2p=2': 'wm=a&wm2=b&wm2p=2&wm2t=1',
    },
    refuses: ['wm2p=-1', 'wm2p=1.5'],
  },
  wm2t: {
    accepts: { 'wm=a&wm2=b&wm2t=true': 'wm=a&wm2=b&wm2t=1', 'wm=a&wm2t': 'wm=a' },
    refuses: ['wm2t=yes'],
  },
  wm2x: {
    accepts: { 'wm=a&wm2=b&wm2x=YQ': 'wm=a&wm2=b&wm2x=YQ', 'wm=a&wm2x=YQ': 'wm=a' },
    refuses: ['wm2x=Y'],
  },
  fmt: {
    accepts: Object.fromEntries(
      ['avif', 'webp', 'jpeg', 'png', 'gif', 'source']
        .flatMap((fmt) => ['fmt', 'fm', 'format', 'output'].map((key) => [`${key}=${fmt}`, `fmt=${fmt}`]))
        .concat([
          ['fmt=JPG', 'fmt=jpeg'],
          ['fmt=pjpg', 'fmt=jpeg'],
          ['fmt=auto', ''],
        ]),
    ),
    refuses: ['fmt=bmp', 'fmt=heic', 'fmt=svg', 'fmt='],
  },
  q: { accepts: { 'q=1': 'q=1', 'quality=100': 'q=100', 'q=75': '' }, refuses: ['q=0', 'q=101', 'q=80.5'] },
  lossless: {
    accepts: { 'lossless&fmt=webp': 'fmt=webp&lossless=1', 'lossless=1&fmt=avif': 'fmt=avif&lossless=1' },
    refuses: ['lossless&q=80', 'lossless&fmt=jpeg', 'lossless&fmt=gif', 'lossless&mb=90k'],
  },
  progressive: {
    accepts: {
      'progressive=0&fmt=jpeg': 'fmt=jpeg&progressive=0',
      'progressive&fmt=png': 'fmt=png&progressive=1',
    },
    refuses: ['progressive=2'],
  },
  chroma: {
    accepts: {
      'chroma=444&fmt=jpeg': 'chroma=444&fmt=jpeg',
      'chroma=444&lossless': 'lossless=1',
      'chroma=444&lossless&fmt=avif': 'fmt=avif&lossless=1',
      'chroma=444&lossless&fmt=source': 'chroma=444&fmt=source&lossless=1',
      'chroma=420': '',
    },
    refuses: ['chroma=422', 'chroma=444&fmt=webp'],
  },
  colors: {
    accepts: {
      'colors=2&fmt=png': 'colors=2&fmt=png',
      'colors=3&fmt=png': 'colors=4&fmt=png',
      'colors=5&fmt=png': 'colors=16&fmt=png',
      'colors=17': 'colors=256',
      'colors=17&fmt=gif': 'fmt=gif',
      'colors=16&fmt=gif': 'colors=16&fmt=gif',
    },
    refuses: ['colors=1', 'colors=257', 'colors=8&fmt=jpeg', 'colors=8&fmt=webp', 'colors=8&fmt=avif'],
  },
  effort: {
    accepts: {
      'effort=fast': 'effort=fast',
      'effort=small': 'effort=small',
      'effort=small&fmt=jpeg': 'effort=small&fmt=jpeg',
      'effort=fast&fmt=jpeg': 'effort=fast&fmt=jpeg',
      'effort=std': '',
    },
    refuses: ['effort=6'],
  },
  meta: {
    accepts: {
      'meta=none': 'meta=none',
      'meta=keep': 'meta=keep',
      'meta=none&fmt=gif': 'fmt=gif',
      'meta=copyright': '',
    },
    refuses: ['meta=all'],
  },
  icc: { accepts: { 'icc=p3': 'icc=p3', 'icc=keep': 'icc=keep', 'icc=srgb': '' }, refuses: ['icc=adobe'] },
  page: {
    accepts: { 'page=2': 'page=2', 'page=1000': 'page=1000', 'page=1': '' },
    refuses: ['page=0', 'page=1001', 'page=2&anim=1'],
  },
  anim: {
    accepts: { 'anim=0': 'anim=0', 'anim=1': 'anim=1', 'anim=auto': '' },
    refuses: ['anim=2', 'anim=1&fmt=jpeg'],
  },
  mb: {
    accepts: {
      'mb=90k': 'mb=90000',
      'max-bytes=2M': 'mb=2000000',
      'mb=1000': 'mb=1000',
      'mb=10m': 'mb=10000000',
    },
    refuses: ['mb=999', 'mb=11M', 'mb=1.5M', 'mb=k'],
  },
  p: {
    accepts: {
      'p=card': 'fit=cover&h=200&q=60&w=300',
      'preset=card&w=600': 'fit=cover&h=200&q=60&w=600',
      'p=retina': 'w=200',
    },
    refuses: ['p=none', 'p='],
  },
  ph: {
    accepts: Object.fromEntries(
      ['thumbhash', 'blurhash', 'lqip', 'color'].map((ph) => [`ph=${ph}`, `ph=${ph}`]),
    ),
    refuses: ['ph=base64', 'ph'],
  },
  dl: {
    accepts: { dl: '', 'dl=shoe%20red.jpg': '', 'dl=0': '' },
    refuses: ['dl=a/b', 'dl=a%0d%0ab', 'dl=a%22b'],
  },
  v: { accepts: { 'v=abc_-9': '' }, refuses: ['v=', 'v=a.b', `v=${'a'.repeat(65)}`] },
  exp: { accepts: { 'exp=1700000000': '' }, refuses: ['exp=soon', 'exp='] },
  kid: { accepts: { 'kid=k1': '' }, refuses: ['kid=', 'kid=a/b'] },
  sig: { accepts: { [`sig=${'A'.repeat(43)}`]: '' }, refuses: ['sig=abc', `sig=${'A'.repeat(42)}=`] },
};

const refusal = (query: string) => {
  try {
    return { code: undefined, accepted: form(query) };
  } catch (error) {
    return isProblem(error)
      ? { code: error.code, status: error.status, facts: error.facts, detail: error.detail }
      : error;
  }
};

t.test('every parameter of the table has accepted and refused values here', async (t) => {
  t.same(Object.keys(CONTRACT).sort(), ROWS.map(({ key }) => key).sort());
});

for (const [key, { accepts, refuses }] of Object.entries(CONTRACT)) {
  t.test(`${key} accepts what the contract says, in its one spelling`, async (t) => {
    for (const [query, canonical] of Object.entries(accepts)) t.equal(form(query), canonical, query);
  });
  t.test(`${key} refuses the rest and says what it got and what it takes`, async (t) => {
    for (const query of refuses) {
      t.match(refusal(query), { status: 400, facts: { param: /./, received: String } }, query);
      const { code, facts } = refusal(query) as {
        code: ProblemCode;
        facts: { allowed?: string; hint?: string };
      };
      t.ok(code === 'invalid_parameter' ? facts.allowed : facts.hint, `${query} says what is allowed`);
    }
  });
}

t.test('an alias means the same as the name everywhere', async (t) => {
  for (const { key, aliases = [] } of RULES) {
    const query = Object.keys(CONTRACT[key]?.accepts ?? {}).find((query) => query.includes(`${key}=`)) ?? '';
    for (const alias of aliases) {
      const other = query.replace(new RegExp(`(^|&)${key}=`), `$1${alias}=`);
      t.equal(form(other), form(query), `${other} is ${query}`);
    }
  }
});

t.test(
  'a refusal tells what was written, under the name that was written, and not what it was read as',
  async (t) => {
    const others = [
      'format=JPG&colors=3',
      'lossless=TRUE&quality=80',
      'ar=.5',
      'w=200&ar=0.01',
      'h=1000&ar=9.5',
    ];
    const dense = [
      'width=4000&dpr=2&ar=0.50',
      'height=4000&dpr=2.5',
      'ar=1.5&w=9&height=9',
      'fm=PNG&icc=P3&mb=1k&lossless',
    ];
    for (const query of [...Object.values(CONTRACT).flatMap(({ refuses }) => refuses), ...others, ...dense]) {
      const { code, facts } = refusal(query) as {
        code?: ProblemCode;
        facts: { param: string; received: string };
      };
      if (code === undefined) continue;
      const written = [...new URLSearchParams(query)].map((pair) => pair.join('='));
      t.ok(
        written.includes(`${facts.param}=${facts.received}`),
        `${query}: ${facts.param}=${facts.received}`,
      );
    }
    const made = { param: 'ar', received: '0.01', allowed: 'h of 1-8192' };
    t.match(refusal('w=200&ar=0.01'), {
      code: 'invalid_parameter',
      facts: made,
      detail: /"0.01".* makes h=20000/,
    });
  },
);

t.test('the five lexical refusals name the parameter', async (t) => {
  t.match(refusal('wdith=5'), { code: 'unknown_parameter', facts: { param: 'wdith', hint: 'width' } });
  t.match(refusal('W=5'), { code: 'unknown_parameter', facts: { param: 'W', hint: 'w' } });
  t.match(refusal('w=5&w=6'), { code: 'duplicate_parameter', facts: { param: 'w', received: '6' } });
  t.match(refusal('w=5&width=5'), { code: 'duplicate_parameter', facts: { param: 'width' } });
  t.match(refusal('w=5&h=5&ar=1'), { code: 'conflicting_parameters', facts: { param: /^(ar|w|h)$/ } });
  t.match(refusal('__proto__=1'), { code: 'unknown_parameter' });
  t.match(refusal('constructor=1&toString=2'), { code: 'unknown_parameter' });
  t.match(refusal('crop=10,10,5,5'), { facts: { param: 'crop', hint: /rect/ } });
  t.match(refusal('w=%zz'), { code: 'invalid_parameter' });
  for (const query of ['w=5000&dpr=2', 'pad=600&dpr=2', 'border=600,red&dpr=2', 'blur=60&dpr=2'])
    t.match(refusal(query), { detail: /multiplied by dpr/ }, query);
  t.match(refusal(`dl=${'a'.repeat(1100)}`), { code: 'uri_too_long', status: 414 });
});

t.test('tracking keys are dropped without a word', async (t) => {
  t.equal(form('utm_source=x&w=5&fbclid=1&gclid=2&_=3&utm_=4'), 'w=5');
  const more = 'msclkid gbraid wbraid srsltid ttclid igshid mc_eid ref_src'.split(' ');
  t.equal(form(`w=5&${more.map((name) => `${name}=x`).join('&')}`), 'w=5');
  for (const near of ['braid=1', 'xclid=1', 'clid=1', 'ref=1', 'mc_cid2=1', 'Gclid=1'])
    t.match(refusal(near), { code: 'unknown_parameter' }, near);
  t.match(refusal('utm=1'), { code: 'unknown_parameter' });
});

t.test('&amp; between parameters is &, as often as a page escaped it', async (t) => {
  for (const query of ['w=5&amp;h=6', 'w=5&amp;amp;h=6', 'w=5&amp%3Bh=6', 'w=5&AMP;h=6&amp;', '&amp;w=5&h=6'])
    t.equal(form(query), 'h=6&w=5', query);
  t.match(refusal('w=5&ampw=6'), { code: 'unknown_parameter', facts: { param: 'ampw' } });
  t.match(refusal('w=5&amp;w=6'), { code: 'duplicate_parameter' });
  t.throws(() => readPresets({ bad: 'w=1&amp;p=card' }), /Preset "bad"/);
  t.throws(() => readPresets({ bad: 'w=1&%73ig=x' }), /Preset "bad"/);
});

t.test('parameters that a deployment ignores are dropped without a word', async (t) => {
  const read = (query: string) => readQuery(query, PRESETS, ['cb', 'session.id']).canonical;
  t.equal(read('w=5&cb=1&session.id=%2F&cb=2'), 'w=5');
  t.throws(() => read('w=5&CB=1'), { code: 'unknown_parameter' });
  t.match(refusal('w=5&cb=1'), { code: 'unknown_parameter' });
});

t.test('a whole number is the hint for a decimal side', async (t) => {
  t.match(refusal('w=300.5'), { code: 'invalid_parameter', facts: { param: 'w', hint: /w=301$/ } });
  t.match(refusal('height=99.2'), { facts: { param: 'height', hint: /height=99$/ } });
  t.match(refusal('w=0.2'), { facts: { hint: /w=1$/ } }, 'within the range');
});

t.test('shades of grey are idle before what begins with them, and only there', async (t) => {
  t.equal(form('gray&thr=9'), 'thr=9');
  t.equal(form('gray&duo=000,fff'), 'duo=000000,ffffff');
  for (const between of ['sepia=50', 'tint=ff0000'])
    for (const rest of ['thr=9', 'duo=000000,ffffff']) {
      const whole = `${rest}&gray=1&${between}`.split('&').sort().join('&');
      t.equal(form(whole), whole);
    }
  t.equal(form('gray&inv&thr=9'), 'inv=1&thr=9');
});

t.test('a side that ar makes is at least 1 px', async (t) => {
  t.equal(form('w=1&ar=100'), 'h=1&w=1');
  t.equal(form('h=1&ar=0.01'), 'h=1&w=1');
  t.equal(form('w=40&ar=100'), 'h=1&w=40', 'rounded from 0.4');
});

t.test('what decides about a rule comes before it, so one round drops all that is idle', async (t) => {
  const places = new Map(RULES.map(({ key }, place) => [key, place]));
  for (const { key, idle = [], needs = [] } of RULES)
    for (const word of [...idle, ...needs].flatMap((condition) => condition.split(' '))) {
      const name = word.replace(/^!|=.*/g, '');
      t.ok((places.get(name) ?? 999) <= (places.get(key) ?? -1), `${key} looks at ${name}`);
    }
});

t.test('what belongs to the URL is handed over beside the canonical form', async (t) => {
  const read = readQuery('w=5&dl=a.jpg&v=7&exp=99&kid=k', {});
  t.same(read, {
    canonical: 'w=5',
    url: { dl: 'a.jpg', v: '7', exp: '99', kid: 'k' },
    negotiable: true,
    idle: [],
  });
  t.equal(readQuery('fmt=png', {}).negotiable, false);
  t.equal(readQuery('ph=color', {}).negotiable, false, 'a placeholder has no format to choose');
});

t.test('a key without effect is dropped and named', async (t) => {
  t.same(readQuery('fit=cover&w=5&wmo=50&g=n', {}).idle.toSorted(), ['fit', 'g', 'wmo']);
  t.equal(form('fit=cover&w=5&wmo=50&g=n'), 'w=5');
  t.equal(form('fmt=png&q=40&chroma=444'), 'fmt=png');
});

t.test('a parameter beside a preset wins over it, a dpr beside it multiplies it', async (t) => {
  t.equal(form('p=card&fit=fill&q=90'), 'fit=fill&h=200&q=90&w=300');
  t.equal(form('p=card&dpr=2'), 'fit=cover&h=400&q=60&w=600');
  t.equal(form('p=retina&dpr=1'), 'w=100');
  t.throws(() => readPresets({ bad: 'w=0' }), /Preset "bad"/);
  t.throws(() => readPresets({ bad: 'p=card' }), /Preset "bad"/);
});
