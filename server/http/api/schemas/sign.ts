import Type from 'typebox';
import { SIGNATURE_FORMS } from '../../../writing/signing.ts';
import { nullable, options, url } from './parts.ts';

/** Ten years: what is to last longer has no end. */
const MAX_EXPIRES_SECONDS = 315_360_000;

export const SignBody = Type.Object(
  {
    urls: Type.Array(Type.String({ maxLength: 4096 }), {
      minItems: 1,
      maxItems: 100,
      description:
        '`/img/<id>?<query>`, or URLs with this path, escaped as pages write them; without kid, exp and sig.',
    }),
    expiresIn: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_EXPIRES_SECONDS,
        description: 'Seconds from now at which they end; never when absent.',
      }),
    ),
    kid: Type.Optional(
      Type.String({ maxLength: 64, description: 'Name of the key; the first when absent.' }),
    ),
    form: Type.Optional(
      Type.Enum([...SIGNATURE_FORMS], {
        default: 'canonical',
        description: 'canonical: good for every spelling of the picture; written: for the URL as it is.',
      }),
    ),
  },
  options,
);

export const Signed = Type.Object(
  {
    urls: Type.Array(url, { description: 'In the order of the request.' }),
    kid: Type.String(),
    exp: nullable(Type.Integer({ description: 'Unix seconds.' })),
  },
  { title: 'Signed', description: 'Signed addresses.' },
);
