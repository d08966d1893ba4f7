import { SIGNATURE_FORMS, signUrl } from '../writing/signing.ts';
import { command, JSON_OPTION, UsageError } from './command.ts';
import { DEPLOYMENT_OPTIONS, openDeployment } from './deployment.ts';
import { remembered, settingsOver } from './environment.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90`, `15m`, `1h` or `7d` as seconds; undefined when it is none of these. */
function readDuration(text: string): number | undefined {
  const parts = /^(\d{1,9})([smhd]?)$/.exec(text);
  return parts ? Number(parts[1]) * (UNITS[parts[2] || 's'] ?? 1) : undefined;
}

/** What is to be signed, and how. */
interface Request {
  /** An id and a query, escaped as in a URL. */
  readonly address: string;
  readonly kid: string | undefined;
  /** From now; undefined: it never ends. */
  readonly seconds: number | undefined;
  readonly form: (typeof SIGNATURE_FORMS)[number];
}

/** By the keys of the settings. */
function signHere({ address, kid: name, seconds, form }: Request): string {
  const { signingKeys, presets, ignoredParameters: ignored, publicUrl = '' } = settingsOver({});
  const kid = name ?? Object.keys(signingKeys)[0];
  const key = kid !== undefined && Object.hasOwn(signingKeys, kid) ? signingKeys[kid] : undefined;
  if (kid === undefined || key === undefined)
    throw new UsageError(`No such key in SIGNING_KEYS: ${kid ?? '(none)'}.`);
  const exp = seconds === undefined ? undefined : Math.floor(Date.now() / 1000) + seconds;
  return `${publicUrl}${signUrl(address, { kid, key, exp, presets, ignored, form })}`;
}

/** By a deployment, which keeps its keys. */
async function signThere(
  request: Request,
  where: { url: string; token: string | undefined },
): Promise<string> {
  const { address, kid, seconds: expiresIn, form } = request;
  const deployment = await openDeployment({ ...where, data: undefined });
  const json = { urls: [`/img/${address}`], kid, expiresIn, form };
  const { urls } = (await deployment.call('POST', '/api/sign', { json })) as { urls: [string] };
  return urls[0];
}

export const sign = command({
  name: 'sign',
  summary: 'Signs a URL with a key of SIGNING_KEYS, or has a deployment sign it.',
  about:
    'With --url, or RENDITION_URL where there are no SIGNING_KEYS, the deployment signs with its own keys: nobody else needs them.',
  operand: { name: 'URL', min: 1, max: 1, doc: 'ID?QUERY, escaped as in a URL.' },
  options: {
    kid: { value: 'NAME', doc: 'Of the key; default: the first.' },
    expires: { value: 'DURATION', doc: 'When the URL ends: 90, 15m, 1h or 7d from now; default: never.' },
    form: {
      value: 'FORM',
      doc: 'canonical: holds for every spelling of the picture; written: for the URL as it is. Default: canonical.',
    },
    url: DEPLOYMENT_OPTIONS.url,
    token: DEPLOYMENT_OPTIONS.token,
    json: JSON_OPTION,
  },
  examples: [
    "sign 'products/shoe.jpg?w=800&fmt=webp' --expires 7d",
    "sign 'products/shoe.jpg?w=800' --url https://images.example.com",
  ],
  run: async ({ operands: [url = ''], values, output }) => {
    const { kid, expires, token } = values;
    const seconds = expires === undefined ? undefined : readDuration(expires);
    if (expires !== undefined && seconds === undefined)
      throw new UsageError(`--expires ${expires}: expected 90, 15m, 1h or 7d.`);
    const form = SIGNATURE_FORMS.find((name) => name === (values.form ?? 'canonical'));
    if (!form) throw new UsageError(`--form ${values.form}: expected ${SIGNATURE_FORMS.join(' or ')}.`);
    const request = { address: url.replace(/^(https?:\/\/[^/]*)?\/?(img\/)?/, ''), kid, seconds, form };
    const hasKeys = Object.keys(settingsOver({}).signingKeys).length > 0;
    const deployment = values.url ?? (hasKeys ? undefined : remembered().url);
    if (token !== undefined && deployment === undefined) throw new UsageError('--token needs --url.');
    const signed =
      deployment === undefined ? signHere(request) : await signThere(request, { url: deployment, token });
    output.result({ url: signed }, signed);
  },
});
