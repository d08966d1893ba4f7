import { run } from './run.ts';

const { code, stdout = '', stderr = '' } = await run(process.argv.slice(2));
process.stdout.write(stdout);
process.stderr.write(stderr);
// A command that ran a program has set the code of that.
process.exitCode ??= code;
