import { runTogether } from '../support/together.ts';

await runTogether('9-http-i-o');
