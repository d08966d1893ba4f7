import { mkdirSync, writeFileSync } from 'node:fs';
import { sizes, src, srcset } from './page.mjs';

const attributes = `src="${src}" srcset="${srcset}" sizes="${sizes}"`.replaceAll('&', '&amp;');
mkdirSync('dist', { recursive: true });
writeFileSync('dist/index.html', `<!doctype html><img ${attributes} alt="A rose">`);
