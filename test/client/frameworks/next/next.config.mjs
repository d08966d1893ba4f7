export default {
  output: 'export',
  images: { loader: 'custom', loaderFile: './loader.js' },
};
