import { Problem } from '../../shared/errors.ts';
import { signUrl } from '../../writing/signing.ts';
import { PROBLEMS } from '../image-schema.ts';
import { type Api, type ApiDeps, originOf } from './context.ts';
import { SignBody, Signed } from './schemas/sign.ts';

/** What stands before `/img/` may be of another deployment name: only what follows is signed. */
const ADDRESS = /^(?:https?:\/\/[^/?#]+)?\/img\/(.+)$/s;

/** Signs addresses of images, for pages and programs that have a token and no key. */
export function signRoutes(api: Api, { urls, presets, ignored }: ApiDeps): void {
  api.post(
    '/api/sign',
    {
      schema: {
        tags: ['management'],
        body: SignBody,
        summary: 'Signs addresses of images with a key of the deployment.',
        response: { 200: Signed, ...PROBLEMS },
      },
    },
    async (request) => {
      const { kid: name, form, expiresIn } = request.body;
      const [kid, key] = urls.signingKey(name);
      const exp = expiresIn === undefined ? undefined : Math.floor(Date.now() / 1000) + expiresIn;
      const base = urls.base(originOf(request));
      const signed = request.body.urls.map((url) =>
        signUrl(behindPrefix(url), { kid, key, exp, presets, ignored, form }),
      );
      return { urls: signed.map((path) => base + path), kid, exp: exp ?? null };
    },
  );
}

function behindPrefix(url: string): string {
  const behind = ADDRESS.exec(url)?.[1];
  if (behind !== undefined) return behind;
  const facts = { param: 'urls', received: url, allowed: '/img/<id>?<query>, or a URL with this path' };
  throw new Problem('invalid_request', `"${url}" is no address of an image.`, facts);
}
