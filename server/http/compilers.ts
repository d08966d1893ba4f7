import { createRequire } from 'node:module';

type Selector = typeof import('@fastify/fast-json-stringify-compiler');

const require = createRequire(import.meta.url);
const selector = (): Selector => require('@fastify/fast-json-stringify-compiler');

/**
 * Loads and compiles what writes an answer when the first is written: a start took a third of its processor time for answers
 * that most processes never give.
 */
export const lateSerializers: ReturnType<Selector> = (schemas, options) => {
  let compile: ReturnType<ReturnType<Selector>> | undefined;
  return (route) => {
    let serialize: ReturnType<NonNullable<typeof compile>> | undefined;
    return (answer) => {
      compile ??= selector()()(schemas, options);
      serialize ??= compile(route);
      return serialize(answer);
    };
  };
};

/**
 * In place of Fastify's own, which loads ajv for nothing: pictures read their queries themselves, the API has its validator.
 *
 * @throws Error when a route has a schema to be checked by, and nothing that checks
 */
export const noValidators = () => (): never => {
  throw new Error('A route outside the API has a schema and no validatorCompiler.');
};
