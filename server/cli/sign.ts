import { SIGNATURE_FORMS, signUrl } from '../writing/signing.ts';
import { command, JSON_OPTION, UsageError } from './command.ts';
import { settingsOver } from './environment.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `90`, `15m`, `1h` or `7d` as seconds; undefined when it is none of these. */
function readDuration(text: string): number | undefined {
  const parts = /^(\d{1,9})([smhd]?)$/.exec(text);
  return parts ? Number(parts[1]) * (UNITS[parts[2] || 's'] ?? 1) : undefined;
}

export const sign = command({
  name: 'sign',
  summary: 'Signs a URL with a key of SIGNING_KEYS.',
  operand: { name: 'URL', min: 1, max: 1, doc: 'ID?QUERY, escaped as in a URL.' },
  options: {
    kid: { value: 'NAME', doc: 'Of the key; default: the first.' },
    expires: { value: 'DURATION', doc: 'When the URL ends: 90, 15m, 1h or 7d from now; default: never.' },
    form: {
      value: 'FORM',
      doc: 'canonical: holds for every spelling of the picture; written: for the URL as it is. Default: canonical.',
    },
    json: JSON_OPTION,
  },
  examples: ["sign 'products/shoe.jpg?w=800&fmt=webp' --expires 7d"],
  run: async ({ operands: [url = ''], values, output }) => {
    const { signingKeys, presets, ignoredParameters: ignored, publicUrl = '' } = settingsOver({});
    const { kid = Object.keys(signingKeys)[0], expires } = values;
    const key = kid !== undefined && Object.hasOwn(signingKeys, kid) ? signingKeys[kid] : undefined;
    if (kid === undefined || key === undefined)
      throw new UsageError(`No such key in SIGNING_KEYS: ${kid ?? '(none)'}.`);
    const seconds = expires === undefined ? undefined : readDuration(expires);
    if (expires !== undefined && seconds === undefined)
      throw new UsageError(`--expires ${expires}: expected 90, 15m, 1h or 7d.`);
    const exp = seconds === undefined ? undefined : Math.floor(Date.now() / 1000) + seconds;
    const form = SIGNATURE_FORMS.find((name) => name === (values.form ?? 'canonical'));
    if (!form) throw new UsageError(`--form ${values.form}: expected ${SIGNATURE_FORMS.join(' or ')}.`);
    const address = url.replace(/^\/?(img\/)?/, '');
    const signed = `${publicUrl}${signUrl(address, { kid, key, exp, presets, ignored, form })}`;
    output.result({ url: signed }, signed);
  },
});
