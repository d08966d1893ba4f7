export type { Params } from './parameters.ts';
export { type ParsedUrl, parse } from './parse.ts';
export { html, type Picture, type PictureOptions, picture } from './picture.ts';
export { type SigningKey, sign } from './sign.ts';
export { type SrcsetOptions, sizes, srcset, WIDTHS } from './srcset.ts';
export {
  type Announcement,
  announce,
  type Presigned,
  type Status,
  type Uploading,
  type UploadOptions,
  upload,
} from './upload.ts';
export { query, url } from './url.ts';
