import { bad, type Finding, good, look, type Patient, unread } from './finding.ts';

interface Service {
  name: string;
  running: number;
  desired: number;
  deployments: { state: string | null; reason: string | null; at: string }[];
}

const QUERY =
  'services[].{name:serviceName,running:runningCount,desired:desiredCount,deployments:deployments[].{state:rolloutState,reason:rolloutStateReason,at:createdAt}}';

function ago(text: string, now: number): string {
  const minutes = Math.round((now - Date.parse(text)) / 60_000);
  return minutes < 120 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}

function findingOf({ name, running, desired, deployments: [latest] }: Service, now: number): Finding {
  if (!latest) return bad(`${name} was never deployed`);
  const text = `${name}: ${running} of ${desired} tasks; deployed ${ago(latest.at, now)}, ${latest.state}`;
  if (latest.state === 'FAILED') return bad(`${text} (${latest.reason}): docs/operations.md#roll-back`);
  if (running === 0 && desired > 0) return bad(text);
  return running < desired || latest.state === 'IN_PROGRESS' ? look(text) : good(text);
}

/** What runs of each program, and what became of its last deployment. */
export function deployments({ aws, prefix, settings, now }: Patient): Finding[] {
  const isServerAlone = settings.size === 'tiny' || settings.replica_of !== '';
  const programs = isServerAlone ? ['server'] : ['server', 'warmer'];
  const names = programs.map((program) => `${prefix}-${program}`);
  const services = aws.ask<Service[]>(
    'ecs',
    'describe-services',
    ['--cluster', prefix, '--services', ...names],
    QUERY,
  );
  return names.map((name) => {
    const service = services?.find((one) => one.name === name);
    return service ? findingOf(service, now) : unread(`service ${name}`);
  });
}
