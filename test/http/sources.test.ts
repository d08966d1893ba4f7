import t from 'tap';
import { temporaryFolder } from '../support/folders.ts';
import { sourceFlows } from './sources.ts';

sourceFlows(t, async () => ({ DATA_DIR: await temporaryFolder() }));
