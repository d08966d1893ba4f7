import { command } from './command.ts';

export const server = command({
  name: 'server',
  summary: 'Runs the server alone; the settings are in the environment.',
  options: {},
  examples: ['server'],
  run: async () => {
    await import('../main.ts');
  },
});

export const warmer = command({
  name: 'warmer',
  summary: 'Runs one warmer; any number of them share a queue.',
  options: {},
  examples: ['warmer'],
  run: async () => {
    await import('../../warmer/main.ts');
  },
});
