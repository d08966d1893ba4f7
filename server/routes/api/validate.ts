import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';

/**
 * Checks requests by their schemas. Bodies must be as they should; texts of a URL are read as numbers and
 * switches, and what is left out gets its default.
 */
export const validator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const compiled = Compile(schema);
  return (given: unknown) => {
    const value = httpPart === 'body' ? given : read(schema, { ...Object(given) });
    return compiled.Check(value) ? { value } : { error: [...compiled.Errors(value)] };
  };
};

/** A text is the number that it spells, and no other: Convert alone makes 1 of `1.5` and of `true`. */
function read(schema: TSchema, texts: Readonly<Record<string, unknown>>): unknown {
  const converted = Value.Convert(schema, Value.Default(schema, { ...texts }));
  const isOther = ([name, value]: [string, unknown]) =>
    typeof value === 'number' && name in texts && String(value) !== texts[name];
  const others = Object.entries(Object(converted)).filter(isOther);
  return { ...Object(converted), ...Object.fromEntries(others.map(([name]) => [name, texts[name]])) };
}
