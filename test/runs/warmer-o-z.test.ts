import { runTogether } from '../support/together.ts';

await runTogether('warmer-o-z');
