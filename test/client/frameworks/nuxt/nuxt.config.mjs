import { defineNuxtConfig } from 'nuxt/config';

export default defineNuxtConfig({
  modules: ['@nuxt/image'],
  telemetry: false,
  image: {
    provider: 'rendition',
    providers: {
      rendition: { provider: 'rendition-client/nuxt', options: { baseURL: process.env.RENDITION } },
    },
  },
});
