import { operation, param } from './operation.ts';
import { NAME } from './watermark.ts';

const text = (value: string): string => value;

export const delivery = operation({
  name: 'delivery',
  group: 'delivery',
  summary: 'How the URL is answered; not part of the picture.',
  params: {
    p: param([['text', NAME]], text, {
      aliases: ['preset'],
      label: 'Preset',
      doc: 'A registered preset; parameters beside it win.',
    }),
    dl: param(
      [
        ['flag', '1'],
        ['text', '[^/\\\\\\u0000-\\u001f\\u007f"]{1,100}'],
      ],
      text,
      {
        fallback: '0',
        url: true,
        label: 'Download',
        doc: 'Download: a bare dl, or the file name.',
      },
    ),
    v: param([['text', '[A-Za-z0-9_-]{1,64}']], text, {
      url: true,
      label: 'Version',
      doc: 'A version that the page knows; equal to the current one, the answer is cached for ever.',
    }),
    exp: param([['int', 0, 9_999_999_999]], Number, {
      url: true,
      label: 'Signature ends',
      doc: 'Unix seconds at which a signed URL ends.',
    }),
    kid: param([['text', NAME]], text, { url: true, label: 'Signing key', doc: 'Name of the signing key.' }),
    sig: param([['text', '(?:w-)?[A-Za-z0-9_-]{43}']], text, {
      url: true,
      label: 'Signature',
      doc: 'HMAC-SHA256 in base64url: of id, canonical form, kid and exp, or with w- before it of path and query up to &sig=.',
    }),
  },
});
