import { expireAll } from '../../warmer/expiry.ts';
import { cacheControl } from '../http/image-headers.ts';
import { Results } from '../reading/results.ts';
import { verify as verifyStores } from '../reading/verify.ts';
import { command, JSON_OPTION } from './command.ts';
import { DEPLOYMENT_OPTIONS } from './deployment.ts';
import { withStores } from './local.ts';

/** Of a variant whose result was not what was written. */
const DAMAGED = { error: 'Removed, since the stored bytes were damaged; made again when it is asked for.' };

export const verify = command({
  name: 'verify',
  summary:
    'Reads every original and result and compares it with what was written; removes results that are not.',
  about:
    'On the stores that the settings name, while the programs run. Results are made again when they are asked for; originals that are damaged are named and stay, to be restored from a backup or put again.',
  options: { data: DEPLOYMENT_OPTIONS.data, json: JSON_OPTION },
  examples: ['verify', 'verify --data /srv/rendition'],
  run: ({ values: { data }, output }) =>
    withStores(data, async (stores, config) => {
      const results = new Results(stores.results, cacheControl({}, '', config, 0));
      const verified = await verifyStores(
        { originals: stores.originals, records: stores.records, results },
        {
          onDamaged: (id, error) => output.failed(id, error),
          onRemoved: (key) => expireAll([key], { records: stores.records, results }, DAMAGED),
        },
      );
      const { originals, unknown, results: count, removed } = verified;
      const known = unknown > 0 ? ` (${unknown} of them cannot be compared with anything)` : '';
      const text = `${originals} originals are whole${known}, ${count - removed} results; ${removed} results were removed`;
      output.result({ ...verified, damaged: output.failures }, text);
    }),
});
