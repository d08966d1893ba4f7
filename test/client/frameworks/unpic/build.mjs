import { mkdirSync, writeFileSync } from 'node:fs';
import { transformBaseImageProps } from '@unpic/core/base';
import { transform } from 'rendition-client/unpic';

const { src, srcset, sizes } = transformBaseImageProps({
  src: `${process.env.RENDITION}/img/products/rose.jpg?q=60`,
  width: 320,
  height: 200,
  layout: 'constrained',
  transformer: transform,
});
const attributes = `src="${src}" srcset="${srcset}" sizes="${sizes}"`.replaceAll('&', '&amp;');
mkdirSync('dist', { recursive: true });
writeFileSync('dist/index.html', `<!doctype html><img ${attributes} alt="A rose">`);
