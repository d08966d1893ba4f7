import { bad, type Finding, good, type Patient, unread } from './finding.ts';

/** Those that ring now; alarms on CloudFront's own metrics are in us-east-1. */
export function alarms({ aws, global, prefix, settings }: Patient): Finding[] {
  const regions = settings.region === 'us-east-1' ? [aws] : [aws, global];
  const options = ['--alarm-name-prefix', `${prefix}-`, '--state-value', 'ALARM'];
  const findings = regions.flatMap((one): Finding[] => {
    const names = one.ask<string[]>('cloudwatch', 'describe-alarms', options, 'MetricAlarms[].AlarmName');
    return names ? names.map((name) => bad(`${name}: docs/operations.md#where-to-look`)) : [unread('alarms')];
  });
  return findings.length > 0 ? findings : [good('none rings')];
}
