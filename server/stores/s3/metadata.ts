/** Headers carry printable ASCII and lose outer spaces; RFC 2047 is what S3 itself answers with beyond that. */
const PLAIN = /^(?! )(?!=\?)[\x20-\x7e]*(?<! )$/;
const ENCODED = /^=\?UTF-8\?B\?([A-Za-z0-9+/=]*)\?=$/i;

export function encodeMetadata(metadata: Record<string, string>): Record<string, string> {
  return mapped(metadata, (value) =>
    PLAIN.test(value) ? value : `=?UTF-8?B?${Buffer.from(value).toString('base64')}?=`,
  );
}

export function decodeMetadata(metadata: Record<string, string>): Record<string, string> {
  return mapped(metadata, (value) => {
    const base64 = ENCODED.exec(value)?.[1];
    return base64 === undefined ? value : Buffer.from(base64, 'base64').toString();
  });
}

function mapped(record: Record<string, string>, change: (value: string) => string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name.toLowerCase(), change(value)]),
  );
}
