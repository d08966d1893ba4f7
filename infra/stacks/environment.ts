import { SIZES } from '../sizing.ts';
import { SERVER_PORT } from './balancer.ts';
import type { Context } from './context.ts';
import type { Program } from './permissions.ts';
import type { ProgramParts } from './programs.ts';
import { MAX_RECEIVES } from './queue.ts';

/** Seconds between SIGTERM and SIGKILL: a request's deadline for the server, what Fargate allows for the warmer. */
export const STOP_SECONDS = { server: 60, warmer: 120 } as const satisfies Record<Program, number>;

/** Where a warmer says that it still looks at its queue; nobody but its own container can ask. */
export const WARMER_PORT = 8081;

/** What a program keeps of that for its own last steps. */
const LAST_STEPS_MS = 10_000;

/** Memory of a task by use: renders, results kept, and the rest for Node and libvips' own. */
const RENDER_SHARE = 1 / 2;
const RESULTS_SHARE = { server: 1 / 8, warmer: 1 / 32 } as const satisfies Record<Program, number>;

/** Those of a server in a second region: no queue, no topic, no CDN of its own, and nothing that it could write. */
export function readerEnvironment(
  { settings }: Context,
  { originals, results, records }: ProgramParts['stored'],
): Record<string, string> {
  const { memoryMiB } = SIZES[settings.size].server;
  return {
    AWS_REGION: settings.region,
    PORT: String(SERVER_PORT),
    ORIGINALS_BUCKET: originals.name,
    RESULTS_BUCKET: results.name,
    RECORDS_TABLE: records.name,
    // Where the jobs would be that nobody sends here.
    DATA_DIR: '/tmp/data',
    PROXY_HOPS: '2',
    SIGNATURES: settings.signed ? 'edge' : 'off',
    RENDER_MEMORY_BYTES: `${memoryMiB * RENDER_SHARE}MiB`,
    MEMORY_CACHE_BYTES: `${memoryMiB * RESULTS_SHARE.server}MiB`,
    STOP_MS: String(STOP_SECONDS.server * 1000 - LAST_STEPS_MS),
    ...settings.environment,
  };
}

/** Settings of the programs (server/config/settings.ts) that the deployment decides; the stage's own come after and win. */
export function environment(at: Context, program: Program, parts: ProgramParts): Record<string, string> {
  const { stored, warm, told, door } = parts;
  const { memoryMiB } = SIZES[at.settings.size][program];
  return {
    AWS_REGION: at.settings.region,
    PORT: String(SERVER_PORT),
    PUBLIC_URL: `https://${door.host}`,
    ORIGINALS_BUCKET: stored.originals.name,
    RESULTS_BUCKET: stored.results.name,
    RESULT_DAYS: String(at.settings.result_days),
    RECORDS_TABLE: stored.records.name,
    JOBS_QUEUE: warm.name,
    JOBS_DEAD_LETTER_QUEUE: warm.dead.name,
    NOTIFICATIONS_TOPIC: told.notificationsArn,
    CDN_DISTRIBUTION: door.id,
    PROXY_HOPS: '2',
    // One setting for the bucket, which takes the forms, and for the API, which makes them and tells what became of them.
    ...(at.settings.cors_origins.length ? { CORS_ORIGINS: at.settings.cors_origins.join() } : {}),
    SIGNATURES: at.settings.signed ? 'edge' : 'off',
    RENDER_MEMORY_BYTES: `${memoryMiB * RENDER_SHARE}MiB`,
    MEMORY_CACHE_BYTES: `${memoryMiB * RESULTS_SHARE[program]}MiB`,
    WARM_ATTEMPTS: String(MAX_RECEIVES),
    ...(program === 'warmer' ? { WARMER_PORT: String(WARMER_PORT) } : {}),
    STOP_MS: String(STOP_SECONDS[program] * 1000 - LAST_STEPS_MS),
    ...at.settings.environment,
  };
}
