import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * The parts of typebox that check, loaded with the first thing to be checked: 55 ms of the processor that a program which
 * serves pictures does without.
 */
export const checks = {
  compile: (): typeof import('typebox/compile') => require('typebox/compile'),
  value: (): typeof import('typebox/value') => require('typebox/value'),
};
