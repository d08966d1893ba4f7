/** The real server, as main.ts runs it, with its log going where logs go: to a file descriptor. */
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { openRendering } from '../server/compose/rendering.ts';
import { composeServer } from '../server/compose/server.ts';
import { openStores } from '../server/compose/stores.ts';
import { loadConfig } from '../server/config/settings.ts';
import { buildApp } from '../server/http/app.ts';
import { report } from './child.ts';

const config = loadConfig(process.env);
const stores = await openStores(config);
const log = pino(
  { level: 'info', base: null },
  pino.destination({ dest: '/dev/null', sync: false, minLength: 4096 }),
);
const rendering = await openRendering(config, stores, () => undefined);
const { deps } = composeServer(config, stores, { log, version: '0', isDraining: () => false, rendering });
const app = await buildApp(deps);
await app.listen({ port: 0, host: '127.0.0.1' });
report((app.server.address() as AddressInfo).port);
