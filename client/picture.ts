import type { Params } from './parameters.ts';
import { type SrcsetOptions, srcset } from './srcset.ts';
import { url } from './url.ts';

export interface PictureOptions extends SrcsetOptions {
  readonly alt: string;
  readonly sizes?: string | undefined;
  /** Best first; the last one is for every browser. Without them one URL serves all formats by `Accept`. */
  readonly formats?: readonly ('avif' | 'webp' | 'jpeg' | 'png' | 'gif')[] | undefined;
  /** CSS px; both keep the page from jumping while it loads. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly loading?: 'lazy' | 'eager' | undefined;
}

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Attributes of a `<picture>`, for whatever writes the page. */
export interface Picture {
  readonly sources: readonly Attributes[];
  readonly img: Attributes;
}

export function picture(base: string, id: string, params: Params, options: PictureOptions): Picture {
  const { alt, sizes, formats = [], width, height, loading = 'lazy' } = options;
  const inFormat = (fmt: Params['fmt']) => srcset(base, id, { ...params, fmt }, options);
  const last = formats.at(-1);
  return {
    sources: formats.slice(0, -1).map((fmt) => ({ type: `image/${fmt}`, srcset: inFormat(fmt), sizes })),
    img: {
      src: url(base, id, { ...params, fmt: last }),
      srcset: inFormat(last),
      sizes,
      alt,
      width,
      height,
      loading,
    },
  };
}

const escaped = (value: string | number): string =>
  String(value)
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');

function element(name: string, attributes: Attributes): string {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${escaped(value)}"`],
  );
  return `<${name}${written.join('')}>`;
}

/** The same as text. */
export function html({ sources, img }: Picture): string {
  if (sources.length === 0) return element('img', img);
  const parts = [...sources.map((source) => element('source', source)), element('img', img)];
  return `<picture>${parts.join('')}</picture>`;
}
