import { type Finding, good, look, type Patient, unread } from './finding.ts';

/** "AWS Fargate service quotas", and "AWS usage metrics" of Amazon ECS for what of them is used. */
const FARGATE: readonly (readonly [name: string, code: string, usage: string])[] = [
  ['Fargate vCPUs on demand', 'L-3032A538', 'Standard/OnDemand'],
  ['Fargate vCPUs on Spot', 'L-36FBB829', 'Standard/Spot'],
];

/** Of a quota, in percent: more, and scaling out may be refused. */
const MUCH = 80;
const HOUR_MS = 3_600_000;

function usedVcpus({ aws, now }: Patient, usage: string): number | undefined {
  const dimensions = ['Service=Fargate', 'Type=Resource', 'Resource=vCPU', `Class=${usage}`].map((pair) => {
    const [name, value] = pair.split('=');
    return `Name=${name},Value=${value}`;
  });
  const options = [
    ...[
      '--namespace',
      'AWS/Usage',
      '--metric-name',
      'ResourceCount',
      '--statistics',
      'Maximum',
      '--period',
      '3600',
    ],
    ...['--start-time', new Date(now - HOUR_MS).toISOString(), '--end-time', new Date(now).toISOString()],
    ...['--dimensions', ...dimensions],
  ];
  const points = aws.ask<number[]>('cloudwatch', 'get-metric-statistics', options, 'Datapoints[].Maximum');
  return points && Math.max(0, ...points);
}

/** How much of what the account may have is taken, by everybody in it. */
export function quotas(patient: Patient): Finding[] {
  return FARGATE.map(([name, code, usage]) => {
    const options = ['--service-code', 'fargate', '--quota-code', code];
    const quota = patient.aws.ask<number>('service-quotas', 'get-service-quota', options, 'Quota.Value');
    const used = usedVcpus(patient, usage);
    if (quota === undefined || used === undefined) return unread(name);
    const text = `${name}: ${used} of ${quota}`;
    return (used * 100) / quota > MUCH ? look(`${text}: ask for more before the next peak`) : good(text);
  });
}
