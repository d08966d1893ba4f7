import Fastify from 'fastify';
import t from 'tap';
import { lateSerializers, noValidators } from '../../../server/http/compilers.ts';

const appWith = (buildValidator: typeof noValidators) =>
  Fastify({ schemaController: { compilersFactory: { buildSerializer: lateSerializers, buildValidator } } });

t.test('a route that nothing checks is found when the program starts', async (t) => {
  const querystring = { type: 'object', properties: { w: { type: 'integer' } } };
  const unchecked = appWith(noValidators);
  unchecked.get('/', { schema: { querystring } }, () => 'x');
  await t.rejects(async () => unchecked.ready(), { message: /no validatorCompiler/ });
  const checked = appWith(noValidators);
  checked.get('/', { schema: { querystring }, validatorCompiler: () => () => true }, () => 'x');
  t.equal((await checked.inject('/?w=x')).statusCode, 200);
});

t.test('what a schema does not name is not written', async (t) => {
  const app = appWith(noValidators);
  const response = { 200: { type: 'object', properties: { told: { type: 'string' } } } };
  app.get('/', { schema: { response } }, () => ({ told: 'yes', secret: 'no' }));
  for (const time of ['first', 'second']) t.equal((await app.inject('/')).body, '{"told":"yes"}', time);
});
