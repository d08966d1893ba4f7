import { backUpDatabase, restoreDatabase } from '../compose/stores.ts';
import { command, JSON_OPTION } from './command.ts';
import { DEPLOYMENT_OPTIONS } from './deployment.ts';
import { settingsOf } from './local.ts';

const options = { data: DEPLOYMENT_OPTIONS.data, json: JSON_OPTION };

export const backup = command({
  name: 'backup',
  summary: 'Copies the database of a data folder to a file, while the programs run.',
  about:
    'As it is at one moment. Originals are files beside it, to be copied after it; results are made again.',
  operand: { name: 'FILE', min: 1, max: 1, doc: 'Where nothing may lie yet.' },
  options,
  examples: ['backup /backups/monday.sqlite'],
  run: async ({ operands: [file = ''], values: { data }, output }) => {
    await backUpDatabase(settingsOf(data), file);
    output.result({ file }, `The database is copied to ${file}.`);
  },
});

export const restore = command({
  name: 'restore',
  summary: 'Puts a backup in the place of the database, whose programs have to be stopped.',
  about:
    'The database that was there is kept under another name. Originals are not touched: those that came, changed or went since the backup are found by the warmer, or at once by `scan --register`.',
  operand: { name: 'FILE', min: 1, max: 1, doc: 'Of `backup`.' },
  options,
  examples: ['restore /backups/monday.sqlite'],
  run: async ({ operands: [file = ''], values: { data }, output }) => {
    const former = await restoreDatabase(settingsOf(data), file);
    const kept = former === undefined ? '' : ` The one before is kept as ${former}.`;
    output.result({ file, former }, `The database of ${file} is in place.${kept}`);
  },
});
