import t from 'tap';
import { STAGES } from './support/stages.ts';
import { synthStage } from './support/synth.ts';
import { noTerraform, terraform } from './support/tools.ts';

for (const [name, values] of Object.entries(STAGES)) {
  t.test(`terraform takes, plans and makes a stage with ${name}`, { skip: noTerraform }, async (t) => {
    t.setTimeout(600_000);
    const { directory, json } = await synthStage(values);
    const count = Object.values(json.resource).flatMap((one) => Object.keys(one)).length;
    const [, validate, first, second] = await terraform(directory, [
      ['validate'],
      ['apply', '-input=false', '-auto-approve'],
      ['plan', '-input=false', '-detailed-exitcode'],
    ]);
    t.match(validate?.output, 'The configuration is valid');
    t.match(first?.output, `Resources: ${count} added, 0 changed, 0 destroyed`);
    t.equal(second?.code, 0, 'nothing is left to do', { output: second?.output.slice(-2000) });
  });
}
