import { runTogether } from '../support/together.ts';

await runTogether('2-http-p-z');
