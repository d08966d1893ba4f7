import { runTogether } from '../support/together.ts';

await runTogether('5-http-api');
