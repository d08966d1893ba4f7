import { runTogether } from '../support/together.ts';

await runTogether('7-http-p-z');
