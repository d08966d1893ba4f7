import { readFileSync } from 'node:fs';
import t from 'tap';
import { synthStage } from './support/synth.ts';

/** Arguments of a stage that was deployed by the commit a4170a7: those that name a thing, or cannot change without a new one. */
const BEFORE: Record<string, Record<string, unknown>> = JSON.parse(
  readFileSync(new URL('fixtures/stage-of-a4170a7.json', import.meta.url), 'utf8'),
);

/** Named after what they hold, so a release brings its own. */
const RENEWED = /^aws_cloudfrontkeyvaluestore_key\./;
/** A stage that is there keeps its zones, whatever says which they are. */
const IGNORED = new Set(['availability_zone']);

t.test('a stage of before is updated in place: nothing that it has is made anew or lost', async (t) => {
  const { json } = await synthStage({ region: 'eu-west-1' });
  for (const [address, before] of Object.entries(BEFORE)) {
    if (RENEWED.test(address)) continue;
    const [type = '', name = ''] = address.split(/\.(.*)/);
    const now = json.resource[type]?.[name];
    t.ok(now, address);
    for (const [argument, value] of Object.entries(before))
      if (!IGNORED.has(argument)) t.equal(now?.[argument], value, `${address} ${argument}`);
  }
  for (const subnet of Object.values(json.resource.aws_subnet ?? {}))
    t.same(subnet.lifecycle, { ignore_changes: ['availability_zone', 'availability_zone_id'] });
});
