import { Problem } from '../shared/errors.ts';

/** Opaque to callers: base64url of JSON. */
export function encodeCursor(position: Record<string, string>): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/**
 * @param names     fields that the cursor must have, all strings, and no others
 * @param maxBytes  of each field, where the store takes no more
 * @returns         undefined without a cursor
 * @throws          Problem `invalid_parameter` for a cursor that this server did not write
 */
export function decodeCursor<Name extends string>(
  cursor: string | undefined,
  names: readonly Name[],
  maxBytes = Number.POSITIVE_INFINITY,
): Record<Name, string> | undefined {
  if (cursor === undefined) return undefined;
  const position = parsed(cursor);
  if (!isPosition(position, names, maxBytes)) {
    const hint = 'Pass on `next` of the page before, or leave the cursor out to start over.';
    throw new Problem('invalid_parameter', 'The cursor is not one of ours.', { param: 'cursor', hint });
  }
  return position;
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function isPosition<Name extends string>(
  value: unknown,
  names: readonly Name[],
  maxBytes: number,
): value is Record<Name, string> {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const isTaken = (text: unknown) => typeof text === 'string' && Buffer.byteLength(text) <= maxBytes;
  return fields.size === names.length && names.every((name) => isTaken(fields.get(name)));
}
