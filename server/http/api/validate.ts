import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import type { Validator } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { checks } from '../../shared/checks.ts';
import { Problem } from '../../shared/errors.ts';
import { beginningOf } from '../../shared/text.ts';

/**
 * Checks requests by their schemas. Bodies must be as they should; texts of a URL are read as numbers and
 * switches, and what is left out gets its default.
 */
export const validator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  let compiled: Validator | undefined;
  const noun = httpPart === 'body' ? 'field' : 'parameter';
  return (input: unknown) => {
    const value = httpPart === 'body' ? input : read(schema, { ...Object(input) });
    const malformed = malformedText(value, noun);
    if (malformed) return { error: malformed };
    compiled ??= checks.compile().Compile(schema);
    return compiled.Check(value) ? { value } : { error: refused(schema, compiled.Errors(value), noun) };
  };
};

/** No schema here takes more of a list or an object. */
const MOST = 1000;
const DEEPEST = 20;
/** Characters of the name of a field: a body may have one as long as itself. */
const MOST_TOLD = 300;

/**
 * Problem `invalid_request` for what is refused before any schema is looked at; undefined where there is nothing. A schema
 * is checked to its end, and for `uniqueItems` each item with each: 400,000 of them took more than ten minutes.
 *
 * @param path  where `value` stands, as a JSON pointer
 */
export function malformedText(value: unknown, noun: string, path = ''): Problem | undefined {
  const param = nameOf(path);
  const refusal = (detail: string) =>
    new Problem('invalid_request', `The ${noun} "${param}" ${detail}.`, param ? { param } : {});
  if (typeof value === 'string')
    return isPlain(value) ? undefined : refusal('has a NUL or half of a surrogate pair, which is no text');
  if (value === null || typeof value !== 'object') return undefined;
  if (path.split('/').length > DEEPEST) return refusal('is nested too deeply');
  const entries = Object.entries(value);
  if (entries.length > MOST)
    return refusal(`has ${entries.length} entries; nothing here takes more than ${MOST}`);
  for (const [name, item] of entries) {
    if (!isPlain(name)) return refusal('has a name with a NUL or half of a surrogate pair');
    const malformed = malformedText(item, noun, `${path}/${escaped(name)}`);
    if (malformed) return malformed;
  }
  return undefined;
}

const isPlain = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** Of a JSON pointer, whose names are escaped (RFC 6901); as much as is of use to whoever wrote it. */
function nameOf(path: string): string {
  const names = path.split('/').slice(1);
  const written = names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  return beginningOf(written.join('.'), MOST_TOLD);
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/** Problem `invalid_request` for the first thing that is wrong, naming what would be accepted. */
function refused(schema: TSchema, errors: readonly TLocalizedValidationError[], noun: string): Problem {
  const unknown = errors.find(({ keyword }) => keyword === 'boolean');
  if (unknown) {
    const param = nameOf(unknown.instancePath);
    const allowed = siblings(schema, unknown.schemaPath).join(' ') || 'none';
    const detail = `There is no ${noun} "${param}" here; allowed: ${allowed}.`;
    return new Problem('invalid_request', detail, { param, allowed });
  }
  const [first] = errors;
  if (first?.keyword === 'required') {
    const [missing = ''] = first.params.requiredProperties;
    const param = nameOf(`${first.instancePath}/${missing}`);
    return new Problem('invalid_request', `The ${noun} "${param}" is missing.`, { param });
  }
  return misfit(errors, noun);
}

/** Of a union, each part says what it would take. */
function misfit(errors: readonly TLocalizedValidationError[], noun: string): Problem {
  const path = errors[0]?.instancePath ?? '';
  const same = errors.filter(({ instancePath, keyword }) => instancePath === path && keyword !== 'anyOf');
  const values = same.flatMap((error) => (error.keyword === 'enum' ? error.params.allowedValues : []));
  const reasons = same.flatMap(({ keyword, message }) => (keyword === 'enum' ? [] : [message]));
  const allowed = values.length > 0 ? values.join(' ') : undefined;
  if (allowed) reasons.unshift(`must be one of: ${allowed}`);
  const param = nameOf(path);
  const subject = param ? `The ${noun} "${param}"` : noun === 'field' ? 'The body' : 'The query';
  const facts = { ...(param && { param }), ...(allowed && { allowed }) };
  return new Problem('invalid_request', `${subject} ${reasons.join(', or ')}.`, facts);
}

/** Names that stand beside `additionalProperties` in a schema. */
function siblings(schema: TSchema, path: string): string[] {
  const owner = path.replace(/^#/, '').replace(/\/additionalProperties$/, '');
  const found: unknown = owner === '' ? schema : checks.value().Pointer.Get(schema, owner);
  const has = found !== null && typeof found === 'object' && 'properties' in found;
  return has && found.properties ? Object.keys(found.properties) : [];
}

/** A text is the number that it spells, and no other: Convert alone makes 1 of `1.5` and of `true`. */
function read(schema: TSchema, texts: Readonly<Record<string, unknown>>): unknown {
  const { Value } = checks.value();
  const converted = Value.Convert(schema, Value.Default(schema, { ...texts }));
  const isOther = ([name, value]: [string, unknown]) =>
    typeof value === 'number' && name in texts && String(value) !== texts[name];
  const others = Object.entries(Object(converted)).filter(isOther);
  return { ...Object(converted), ...Object.fromEntries(others.map(([name]) => [name, texts[name]])) };
}
