import { Fn, Token, Tokenization } from 'cdktf';

/** What cdktf writes for a value that Terraform fills in. */
const TOKEN = /(\$\{TfToken\[[^\]]+\]\})/;

/** What an expression of Terraform reads as its own; cdktf itself looks after `${` and line ends alone. */
const SPECIAL = /[\\"$%\p{Cc}]/gu;

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The inside of a quoted string of Terraform's language; what Terraform fills in stays as it is. */
function quoted(text: string): string {
  return text
    .split(TOKEN)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(SPECIAL, escaped)))
    .join('');
}

function quotedAll(value: unknown): unknown {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Tokenization.isResolvable(value) || Token.isUnresolved(value)) return value;
  if (Array.isArray(value)) return value.map(quotedAll);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [quoted(name), quotedAll(inner)]));
}

/**
 * A value as JSON that Terraform writes when it knows all of it; JSON made here would break `cdktf synth --hcl`.
 * Strings are any text (Terraform composes Unicode, NFC); numbers, booleans, arrays and plain objects of these.
 */
export const json = (value: unknown): string => Fn.jsonencode(quotedAll(value));

/** Any text as the plain value of an argument, where Terraform would take `${` and `%{` for its own. */
export const literal = (text: string): string => (/[$%]\{/.test(text) ? `\${"${quoted(text)}"}` : text);
