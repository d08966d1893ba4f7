import t from 'tap';
import { renderSamples } from '../../docs/samples.ts';

t.test('every sample picture is what its query gives', async (t) => {
  t.same(await renderSamples(true), [], 'run: npm run docs');
});
