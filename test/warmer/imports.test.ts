import t from 'tap';
import { temporaryFolder } from '../support/folders.ts';
import { importFlows } from './imports.ts';

importFlows(t, async () => ({ DATA_DIR: await temporaryFolder() }));
