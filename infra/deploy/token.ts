import { createHash, randomBytes } from 'node:crypto';
import { prefixOf } from '../names.ts';
import type { Shell } from './steps.ts';

/** A stage begins with a token that nobody has; the first one is made here and shown once. Undefined where one is there. */
export function firstToken(shell: Shell, stage: string): string | undefined {
  const secret = `rendition-${stage}/api-tokens`;
  const value = shell.read(
    'aws',
    ...['secretsmanager', 'get-secret-value', '--secret-id', secret],
    ...['--query', 'SecretString', '--output', 'text'],
  );
  if (!('nobody' in JSON.parse(value))) return undefined;
  const token = randomBytes(32).toString('hex');
  const hash = createHash('sha256').update(token).digest('hex');
  shell.run(
    'aws',
    ...['secretsmanager', 'put-secret-value', '--secret-id', secret],
    ...['--secret-string', JSON.stringify({ me: `write:${hash}` }), '--output', 'text', '--query', 'Name'],
  );
  const name = prefixOf(stage);
  shell.run(
    'aws',
    ...['ecs', 'update-service', '--cluster', name, '--service', `${name}-server`, '--force-new-deployment'],
    ...['--output', 'text', '--query', 'service.serviceName'],
  );
  shell.run('aws', 'ecs', 'wait', 'services-stable', '--cluster', name, '--services', `${name}-server`);
  return token;
}
