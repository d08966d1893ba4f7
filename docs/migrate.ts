import { readQuery } from '../server/core/operations/transformation.ts';
import { peerHint } from '../server/core/query/peer-names.ts';
import { isProblem } from '../server/shared/errors.ts';
import { code, plain, table } from './markdown.ts';

/** Written in a query there: what becomes of it here, the parser says. */
const QUERIES = {
  imgix: [
    ...['w=300', 'h=200', 'ar=3:2', 'fit=crop', 'fit=clip', 'fit=max', 'fit=min', 'fit=scale', 'fit=fill'],
    ...['fit=facearea', 'crop=faces', 'crop=entropy', 'crop=edges', 'crop=focalpoint', 'crop=top'],
    ...['fp-x=0.5', 'fp-y=0.3', 'fp-z=2', 'rect=10,10,200,100', 'trim=auto', 'dpr=2', 'q=60', 'fm=webp'],
    ...['fm=pjpg', 'auto=format', 'auto=compress', 'auto=enhance', 'lossless=1', 'rot=90', 'flip=h', 'or=90'],
    ...['blur=20', 'sharp=5', 'bri=10', 'con=10', 'sat=-50', 'gam=2', 'hue=90', 'invert=true', 'sepia=50'],
    ...['monochrome=888', 'px=10', 'bg=fff', 'pad=10', 'border=5,000', 'mask=ellipse', 'mask=corners'],
    ...['corner-radius=10', 'mark=logo.png', 'mark-align=bottom', 'colorquant=16', 'page=2', 'dl=name.jpg'],
    ...['expires=1800000000', 's=0123'],
  ],
  DIT: [
    ...['width=300', 'height=200', 'fit=cover', 'fit=contain', 'fit=fill', 'fit=inside', 'fit=outside'],
    ...['format=webp', 'quality=80', 'rotate=90', 'flip=true', 'flop=true', 'grayscale=true'],
    ...['signature=0123', 'expires=20300101T000000Z'],
  ],
} as const;

/** Taken here, and another thing there: what says the same, or that nothing does. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'fit=fill': 'fit=contain',
  'rot=90': 'rot=270',
  'blur=20': 'blur, a sigma in CSS px: 0.3-100',
  'sharp=5': 'sharp, a sigma: 0.1-10',
  'gam=2': 'gam, an exponent: 1-3',
};

/** Written in a path there. */
const PATHS: Readonly<Record<'Cloudinary' | 'imgproxy' | 'thumbor', Readonly<Record<string, string>>>> = {
  Cloudinary: {
    'w_300,h_200,c_fill': 'w=300&h=200&fit=cover',
    'w_300,h_200,c_fit': 'w=300&h=200&fit=inside',
    'w_300,h_200,c_limit': 'w=300&h=200&fit=inside',
    'w_300,h_200,c_mfit': 'w=300&h=200&fit=inside&up=1',
    'w_300,h_200,c_pad,b_white': 'w=300&h=200&fit=contain&bg=white',
    'w_300,h_200,c_scale': 'w=300&h=200&fit=fill',
    'x_10,y_10,w_200,h_100,c_crop': 'rect=10,10,200,100',
    'ar_16:9,w_300,c_fill': 'ar=16:9&w=300&fit=cover',
    'g_auto, g_face': 'w=300&h=200&fit=cover&g=attention',
    g_north_west: 'w=300&h=200&fit=cover&g=nw',
    'dpr_2.0': 'dpr=2&w=300',
    f_auto: 'fmt=auto',
    f_webp: 'fmt=webp',
    q_80: 'q=80',
    a_90: 'rot=90',
    a_hflip: 'flip=h',
    'e_blur:300': 'blur=15',
    'e_brightness:20': 'bri=20',
    e_grayscale: 'gray=1',
    'e_sepia:50': 'sepia=50',
    'e_pixelate:10': 'pix=10',
    e_trim: 'trim=1',
    r_20: 'r=20',
    r_max: 'r=max',
    t_card: 'p=card',
    fl_attachment: 'dl=1',
  },
  imgproxy: {
    'rs:fill:300:200': 'w=300&h=200&fit=cover',
    'rs:fit:300:200': 'w=300&h=200&fit=inside',
    'rs:force:300:200': 'w=300&h=200&fit=fill',
    'el:1': 'up=1&w=300',
    'ex:1': 'w=300&h=200&fit=contain',
    'g:sm': 'w=300&h=200&fit=cover&g=attention',
    'g:fp:0.5:0.3': 'w=300&h=200&fit=cover&fp=0.5,0.3',
    'g:no': 'w=300&h=200&fit=cover&g=n',
    'dpr:2': 'dpr=2&w=300',
    't:10': 'trim=10',
    'pd:10': 'pad=10',
    'rot:90': 'rot=90',
    'bg:255:0:0': 'bg=ff0000',
    'bl:5': 'blur=5',
    'sh:1': 'sharp=1',
    'pix:10': 'pix=10',
    'q:80': 'q=80',
    'mb:200000': 'mb=200000',
    'f:webp': 'fmt=webp',
    'pr:card': 'p=card',
    'cb:7': 'v=7',
    'att:1': 'dl=1',
    'exp:1800000000': 'exp=1800000000',
  },
  thumbor: {
    '300x200': 'w=300&h=200&fit=cover',
    'fit-in/300x200': 'w=300&h=200&fit=inside',
    '-300x200': 'w=300&h=200&fit=cover&flip=h',
    '300x-200': 'w=300&h=200&fit=cover&flip=v',
    '300x0': 'w=300',
    smart: 'w=300&h=200&fit=cover&g=attention',
    'left/top': 'w=300&h=200&fit=cover&g=nw',
    '10x10:210x110': 'rect=10,10,200,100',
    trim: 'trim=1',
    'filters:quality(80)': 'q=80',
    'filters:format(webp)': 'fmt=webp',
    'filters:max_bytes(40000)': 'mb=40000',
    'filters:blur(7)': 'blur=7',
    'filters:brightness(10)': 'bri=10',
    'filters:contrast(10)': 'con=10',
    'filters:grayscale()': 'gray=1',
    'filters:rotate(90)': 'rot=270',
    'filters:round_corner(20)': 'r=20',
    'filters:fill(red)': 'w=300&h=200&fit=contain&bg=red',
    'filters:no_upscale()': 'w=300',
  },
};

const PRESETS = { $card: [['w', '400']] } as const;

/** What a query of another server is here: the same, or what the refusal says. */
function becomes(query: string, otherwise: Readonly<Record<string, string>>): string {
  const own = otherwise[query];
  if (own !== undefined) return own.includes(',') ? own.replace(/^\w+/, (name) => code(name)) : code(own);
  const [name = '', value = ''] = query.split('=');
  try {
    const { canonical, url } = readQuery(query, PRESETS);
    const read =
      canonical ||
      Object.entries(url)
        .map((pair) => pair.join('='))
        .join('&');
    return read === query || read === '' ? 'as it is' : `as it is, for ${code(read)}`;
  } catch (error) {
    if (!isProblem(error)) throw error;
    const hint = peerHint(name, value);
    return hint === undefined ? 'refused' : code(hint);
  }
}

/** @throws Error for a line whose own side cannot be read */
function own(query: string): string {
  readQuery(query, PRESETS);
  return code(query);
}

const ofQueries =
  (queries: readonly string[], otherwise: Readonly<Record<string, string>> = {}) =>
  (): string =>
    table(
      ['there', 'here'],
      queries.map((query) => [code(query), plain(becomes(query, otherwise))]),
    );

const ofPaths = (lines: Readonly<Record<string, string>>) => (): string =>
  table(
    ['there', 'here'],
    Object.entries(lines).map(([theirs, ours]) => [code(theirs), own(ours)]),
  );

/** Parameters side by side, by section of the page. */
export const migration = {
  imgix: ofQueries(QUERIES.imgix, OTHERWISE),
  cloudinary: ofPaths(PATHS.Cloudinary),
  imgproxy: ofPaths(PATHS.imgproxy),
  thumbor: ofPaths(PATHS.thumbor),
  dit: ofQueries(QUERIES.DIT),
};
