import { pino } from 'pino';
import t from 'tap';
import { compileLater } from '../../../server/compose/rendering.ts';
import { compiledModules } from '../../../server/sandbox/compiled.ts';
import { waitFor } from '../../support/wait.ts';

t.test(
  'a program that has come up sees to it that the render processes of the next find all compiled',
  async () => {
    compileLater(pino({ level: 'silent' }), 0);
    await waitFor(() => compiledModules() !== undefined);
  },
);
