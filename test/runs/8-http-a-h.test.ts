import { runTogether } from '../support/together.ts';

await runTogether('8-http-a-h');
