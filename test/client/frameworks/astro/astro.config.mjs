import { defineConfig } from 'astro/config';

export default defineConfig({
  image: { service: { entrypoint: 'rendition-client/astro', config: { base: process.env.RENDITION } } },
});
