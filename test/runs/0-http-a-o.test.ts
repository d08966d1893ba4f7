import { runTogether } from '../support/together.ts';

await runTogether('0-http-a-o');
