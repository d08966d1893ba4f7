import t from 'tap';
import { temporaryFolder } from '../support/folders.ts';
import { overtakenFlows } from './overtaken.ts';

overtakenFlows(t, async () => ({ DATA_DIR: await temporaryFolder() }));
