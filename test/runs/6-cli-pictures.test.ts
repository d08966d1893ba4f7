import { runTogether } from '../support/together.ts';

await runTogether('6-cli-pictures');
