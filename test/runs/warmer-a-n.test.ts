import { runTogether } from '../support/together.ts';

await runTogether('warmer-a-n');
