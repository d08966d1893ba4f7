import { runTogether } from '../support/together.ts';

await runTogether('3-warmer-a-n');
