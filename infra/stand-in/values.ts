import { decode, ExtensionCodec, encode } from '@msgpack/msgpack';
import type { CtyType } from './binding.ts';
import type { Block } from './schema.ts';

/** What Terraform calls "known after apply". */
export const UNKNOWN = Symbol('unknown');
export type Value =
  | typeof UNKNOWN
  | null
  | string
  | number
  | bigint
  | boolean
  | Value[]
  | { [name: string]: Value };
export type Fields = { [name: string]: Value };

const codec = new ExtensionCodec();
codec.register({
  type: 0,
  encode: (value) => (value === UNKNOWN ? new Uint8Array([0]) : null),
  decode: () => UNKNOWN,
});
// 12 is an unknown value with what is known about it; the stand-in forgets the latter.
codec.register({ type: 12, encode: () => null, decode: () => UNKNOWN });

export function unpack(bytes: Uint8Array): Value {
  return decode(bytes, { extensionCodec: codec }) as Value;
}

export function pack(value: Value): Buffer {
  return Buffer.from(encode(value, { extensionCodec: codec }));
}

export function isFields(value: Value | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Applies `change` to the fields of a block and, deeper, to those of its blocks. */
export function mapBlock(
  block: Block,
  fields: Fields,
  change: (block: Block, fields: Fields) => Fields,
): Fields {
  const changed = change(block, fields);
  for (const { name, block: inner } of block.blocks) {
    const value = changed[name];
    if (Array.isArray(value)) {
      changed[name] = value.map((one) => (isFields(one) ? mapBlock(inner, one, change) : one));
    } else if (isFields(value)) {
      changed[name] = mapBlock(inner, value, change);
    }
  }
  return changed;
}

/** What a plan shows: computed values that nobody set are unknown, write-only ones are never shown. */
export function planned(block: Block, proposed: Fields): Fields {
  return mapBlock(block, proposed, ({ attributes }, fields) => {
    const filled = { ...fields };
    for (const { name, computed, writeOnly } of attributes) {
      if (writeOnly) filled[name] = null;
      else if (computed && (fields[name] ?? null) === null) filled[name] = UNKNOWN;
    }
    return filled;
  });
}

/** What a deployment leaves: a made-up value of the right type wherever one was unknown. */
export function settled(block: Block, plan: Fields, type: string): Fields {
  return mapBlock(block, plan, ({ attributes }, fields) => {
    const filled = { ...fields };
    for (const attribute of attributes) {
      if (filled[attribute.name] === UNKNOWN)
        filled[attribute.name] = mock(attribute.type, attribute.name, type);
    }
    return filled;
  });
}

function mock(type: CtyType, name: string, resource: string): Value {
  if (type === 'string') return mockText(name, resource);
  if (type === 'number') return 1;
  if (type === 'bool') return false;
  if (type === 'dynamic') return null;
  if (type[0] === 'map') return {};
  if (type[0] === 'object') {
    return Object.fromEntries(Object.entries(type[1]).map(([key, one]) => [key, mock(one, key, resource)]));
  }
  // A region has several zones, and what asks for one needs two.
  const copies = name === 'zone_ids' ? ['-a', '-b', '-c'] : [''];
  return copies.map((end) => mock(type[1], `${name}${end}`, resource));
}

/** ARNs as the service makes them, of what policies name: a linter of policies reads their form. */
const ARNS: Readonly<Record<string, string>> = {
  aws_cloudfront_distribution: 'arn:aws:cloudfront::123456789012:distribution/E123456789ABCD',
  aws_dynamodb_table: 'arn:aws:dynamodb:us-east-1:123456789012:table/rendition-dev-records',
  aws_s3_bucket: 'arn:aws:s3:::rendition-dev-stand-in',
  aws_secretsmanager_secret: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:rendition-dev/one-AbCdEf',
  aws_sns_topic: 'arn:aws:sns:us-east-1:123456789012:rendition-dev-stand-in',
  aws_sqs_queue: 'arn:aws:sqs:us-east-1:123456789012:rendition-dev-stand-in',
};

function mockText(name: string, resource: string): string {
  if (name === 'account_id') return '123456789012';
  if (name.endsWith('arn')) return ARNS[resource] ?? `arn:aws:stand-in:us-east-1:123456789012:${resource}`;
  return `${resource.replace(/^aws_/, '').replaceAll('_', '-')}-${name.replaceAll('_', '-')}`;
}

/** A state that another version of the provider wrote, as this schema has it: real ones drop and fill likewise. */
export function conforming(block: Block, fields: Fields): Fields {
  const deeper = (inner: Block, value: Value): Value => (isFields(value) ? conforming(inner, value) : value);
  return Object.fromEntries([
    ...block.attributes.map(({ name, writeOnly }) => [name, writeOnly ? null : (fields[name] ?? null)]),
    ...block.blocks.map(({ name, nesting, block: inner }) => {
      const value = fields[name] ?? (nesting === 'SINGLE' ? null : []);
      return [name, Array.isArray(value) ? value.map((one) => deeper(inner, one)) : deeper(inner, value)];
    }),
  ]);
}
