import { SERVER_PORT } from './balancer.ts';
import type { Context } from './context.ts';
import type { Program } from './permissions.ts';
import type { ProgramParts } from './programs.ts';

/** Settings of the programs (server/config.ts) that the deployment decides; the stage's own come after and win. */
export function environment(at: Context, program: Program, parts: ProgramParts): Record<string, string> {
  const { stored, warm, told, door } = parts;
  const common = {
    AWS_REGION: at.settings.region,
    ORIGINALS_BUCKET: stored.originals.name,
    RESULTS_BUCKET: stored.results.name,
    RECORDS_TABLE: stored.records.name,
    JOBS_QUEUE: warm.name,
    JOBS_DEAD_LETTER_QUEUE: warm.dead.name,
    NOTIFICATIONS_TOPIC: told.notificationsArn,
    CDN_DISTRIBUTION: door.id,
    PUBLIC_URL: `https://${door.host}`,
  };
  const own = program === 'server' ? { HOST: '0.0.0.0', PORT: String(SERVER_PORT), TRUST_EDGE: 'true' } : {};
  return { ...common, ...own, ...at.settings.environment };
}
