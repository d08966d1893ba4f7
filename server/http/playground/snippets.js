/** Markup for one picture at many widths, for whatever makes the page; of a framework whole files, each under its name. */

export const KINDS = [
  ['img', 'img srcset'],
  ['picture', 'picture'],
  ['next', 'Next'],
  ['nuxt', 'Nuxt'],
  ['astro', 'Astro'],
];

/** From a thumbnail to a whole screen of two device pixels. */
const LADDER = [160, 320, 480, 640, 800, 960, 1280, 1600, 1920, 2560, 3840];

/** What a `<picture>` offers, best first. */
const FORMATS = ['avif', 'webp', 'jpeg'];

/**
 * Widths of the candidates: none is larger than the picture can be, and that one is among them.
 *
 * @param largest  px that the picture has at most; undefined where nobody knows
 * @param allowed  widths that the deployment serves; none: all
 */
export function widthsOf(largest, allowed = []) {
  const ladder = allowed.length ? allowed.toSorted((a, b) => a - b) : LADDER;
  if (!largest) return ladder.filter((width) => width <= 1920);
  const below = ladder.filter((width) => width <= largest);
  if (allowed.length) return below.length ? below : ladder.slice(0, 1);
  return below.at(-1) === largest ? below : [...below, largest];
}

/** The `sizes` of a picture that takes a share of the window's width, another one in a wide window, and `most` px at most. */
export function sizesOf({ narrow, wide, from, most }) {
  const limit = Number(most);
  const rules = [];
  if (limit > 0) {
    const full = Math.ceil((limit * 100) / wide);
    rules.push(`(min-width: ${Math.max(full, from)}px) ${limit}px`);
    if (full > from) rules.push(`(min-width: ${from}px) ${wide}vw`);
  } else if (wide !== narrow) rules.push(`(min-width: ${from}px) ${wide}vw`);
  return [...rules, `${narrow}vw`].join(', ');
}

/** The same picture at another width: a height beside a width stands for their ratio. */
export function atWidth({ w, h, dpr: _dpr, ...rest }, width) {
  const isRatio = w && h;
  const height = isRatio ? { h: String(Math.max(1, Math.round((width * Number(h)) / Number(w)))) } : {};
  return { w: String(width), ...height, ...rest };
}

const middleOf = (widths) => widths.find((width) => width >= 800) ?? widths.at(-1);

/**
 * Queries whose addresses the markup needs, in the order in which `write` wants them.
 *
 * @param widths  of the candidates; none for a deployment that serves presets only, which has densities
 */
export function queriesOf(kind, { params, widths }) {
  if (kind === 'img') return candidatesOf(params, widths);
  if (kind === 'picture') return FORMATS.flatMap((fmt) => candidatesOf({ ...params, fmt }, widths));
  return [];
}

function candidatesOf(params, widths) {
  if (widths.length === 0)
    return [1, 2, 3].map((dpr) => ({ ...params, dpr: dpr === 1 ? undefined : String(dpr) }));
  return widths.map((width) => atWidth(params, width));
}

const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function srcset(addresses, { widths }) {
  const descriptors = widths.length ? widths.map((width) => `${width}w`) : ['1x', '2x', '3x'];
  return addresses.map((address, index) => `    ${escaped(address)} ${descriptors[index]}`).join(',\n');
}

function imgText(addresses, input) {
  const { widths, size, layout } = input;
  const src = addresses[widths.length ? widths.indexOf(middleOf(widths)) : 0];
  const box = size ? `\n  width="${size.width}" height="${size.height}"` : '';
  const sizes = widths.length ? `\n  sizes="${sizesOf(layout)}"` : '';
  return `<img\n  src="${escaped(src)}"\n  srcset="\n${srcset(addresses, input)}"${sizes}${box}\n  alt="" loading="lazy">`;
}

function pictureText(addresses, input) {
  const each = addresses.length / FORMATS.length;
  const of = (index) => addresses.slice(index * each, (index + 1) * each);
  const sizes = input.widths.length ? ` sizes="${sizesOf(input.layout)}"` : '';
  const sources = FORMATS.slice(0, -1).map(
    (fmt, index) => `<source type="image/${fmt}"${sizes} srcset="\n${srcset(of(index), input)}">`,
  );
  return `<picture>\n${[...sources, imgText(of(FORMATS.length - 1), input)].join('\n')}\n</picture>`;
}

/** Without what the framework decides; a box that is filled becomes its ratio, which holds at any width. */
export function fixedParams({ w, h, fit, dpr: _dpr, p: _p, ...rest }) {
  if (!w || !h || !fit || fit === 'inside') return { ...rest, ...(fit ? { fit } : {}) };
  return { ar: `${w}:${h}`, ...(fit === 'cover' ? {} : { fit }), ...rest };
}

/** As JSON, without what ends a line in a program: the link that a snippet is made of may come from anywhere. */
const json = (value) =>
  JSON.stringify(value).replace(/[\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16)}`);

const textLiteral = (text) => `'${json(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;

/** Quoted unless it is a name: a key of the link could be anything. */
const keyLiteral = (key) => (/^[a-z]\w*$/i.test(key) ? key : `[${textLiteral(key)}]`);

const literal = (params) => {
  const entries = Object.entries(params).map(([key, value]) => `${keyLiteral(key)}: ${textLiteral(value)}`);
  return entries.length ? `{ ${entries.join(', ')} }` : '';
};

const boxOf = ({ size }) => size ?? { width: 800, height: 600 };

function nextText(base, input) {
  const { width, height } = boxOf(input);
  const params = literal(fixedParams(input.params));
  return `// loader.js
import { nextLoader } from 'rendition-client/next';

export default nextLoader(${textLiteral(base)}${params ? `, ${params}` : ''});

// next.config.mjs
export default { images: { loader: 'custom', loaderFile: './loader.js' } };

// app/page.jsx
import Image from 'next/image';

export default function Page() {
  return <Image src={${json(input.id)}} width={${width}} height={${height}} sizes="${sizesOf(input.layout)}" alt="" />;
}`;
}

const NUXT_SCREENS = { 640: 'sm', 768: 'md', 1024: 'lg', 1280: 'xl' };

/** `<NuxtImg>` hands on both sides of the box, beside which there is no room for a ratio. */
export function boxedParams({ w: _w, h: _h, dpr: _dpr, p: _p, ar, fit, ...rest }) {
  const crops = ar ? 'cover' : undefined;
  return { fit: fit ?? crops, rest };
}

function nuxtText(base, input) {
  const { width, height } = boxOf(input);
  const { narrow, wide, from } = input.layout;
  const { fit, rest } = boxedParams(input.params);
  const how = fit ? ` fit="${escaped(fit)}"` : '';
  const params = escaped(literal(rest));
  const modifiers = params ? `\n  :modifiers="${params}"` : '';
  return `// nuxt.config.mjs
export default defineNuxtConfig({
  modules: ['@nuxt/image'],
  image: {
    provider: 'rendition',
    providers: { rendition: { provider: 'rendition-client/nuxt', options: { baseURL: ${textLiteral(base)} } } },
  },
});

// app/app.vue
<template>
  <NuxtImg src="${escaped(input.id)}" width="${width}" height="${height}"${how}
  sizes="${narrow}vw ${NUXT_SCREENS[from] ?? 'md'}:${wide}vw"${modifiers} alt="" />
</template>`;
}

/** Of our parameters Astro's `<Image>` hands these on. */
const ASTRO = { q: 'quality', fmt: 'format', fit: 'fit' };

const attribute = (value) => (/^[\w.-]+$/.test(value) ? `"${value}"` : `{${json(value)}}`);
const nameOf = (key) => (/^\w+$/.test(key) ? key : json(key));

function astroText(base, input) {
  const { width, height } = boxOf(input);
  const taken = Object.entries(ASTRO).filter(([key]) => input.params[key]);
  const others = Object.keys(input.params).filter((key) => !ASTRO[key] && !['w', 'h', 'dpr'].includes(key));
  const attributes = taken.map(([key, name]) => ` ${name}=${attribute(input.params[key])}`).join('');
  const note = others.length
    ? `\n// Astro's Image has no place for ${others.map(nameOf).join(', ')}: use img or picture for those.\n`
    : '';
  return `// astro.config.mjs
import { defineConfig } from 'astro/config';

export default defineConfig({
  image: { service: { entrypoint: 'rendition-client/astro', config: { base: ${textLiteral(base)} } } },
});
${note}
// src/pages/index.astro
---
import { Image } from 'astro:assets';
---
<Image src={${json(input.id)}} width={${width}} height={${height}}${attributes}
  widths={[${input.widths.join(', ')}]} sizes="${sizesOf(input.layout)}" alt="" />`;
}

const FRAMEWORKS = { next: nextText, nuxt: nuxtText, astro: astroText };

/**
 * @param base       scheme and host of the deployment
 * @param input      `id`, `params`, `widths`, the `size` that the picture has now, and the `layout` of the page
 * @param addresses  of `queriesOf`, without base
 */
export function write(kind, base, input, addresses) {
  const whole = addresses.map((address) => base + address);
  if (kind === 'img') return imgText(whole, input);
  if (kind === 'picture') return pictureText(whole, input);
  return FRAMEWORKS[kind](base, input);
}
