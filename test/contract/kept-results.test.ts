import t from 'tap';
import { Results } from '../../server/reading/results.ts';
import { objectsBehindWire } from '../support/objects-behind-wire.ts';
import { result } from '../support/results.ts';

t.test('a bucket that throttles writes alone still tells of the result that it has', async (t) => {
  const { objects, wire } = await objectsBehindWire(t);
  const results = new Results(objects, 'max-age=1');
  await results.keep(result('v1', 'first'), async () => true);
  wire.fault = { kind: 'throttle', hits: (method) => method === 'PUT' };
  t.match(await results.keep(result('v1', 'another'), async () => true), { size: 5 });
});
