import { runTogether } from '../support/together.ts';

await runTogether('unit-core');
