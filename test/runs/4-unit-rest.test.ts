import { runTogether } from '../support/together.ts';

await runTogether('4-unit-rest');
