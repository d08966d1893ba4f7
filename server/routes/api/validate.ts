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
    const value = httpPart === 'body' ? given : Value.Convert(schema, Value.Default(schema, given ?? {}));
    return compiled.Check(value) ? { value } : { error: [...compiled.Errors(value)] };
  };
};
