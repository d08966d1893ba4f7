import t from 'tap';
import { temporaryFolder } from '../support/server.ts';
import { overtakenFlows } from './overtaken.ts';

overtakenFlows(t, async () => ({ DATA_DIR: await temporaryFolder() }));
