import { DataAwsCallerIdentity } from '@cdktf/provider-aws/lib/data-aws-caller-identity/index.js';
import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import { type App, TerraformStack } from 'cdktf';
import { prefixOf } from '../names.ts';
import type { Named } from './account.ts';
import { alarms, countLines } from './alarms.ts';
import { keepState } from './backend.ts';
import { balancer } from './balancer.ts';
import { budget } from './budget.ts';
import { cdn } from './cdn.ts';
import { certificate } from './certificate.ts';
import { type Context, pinProvider } from './context.ts';
import { dashboard } from './dashboard.ts';
import { edge } from './edge.ts';
import { events } from './events.ts';
import { firewall } from './firewall.ts';
import { accessLog, firewallLog, logBucket, networkLog } from './logs.ts';
import { metrics } from './metrics.ts';
import { network } from './network.ts';
import { originals } from './originals.ts';
import { outputs } from './outputs.ts';
import { programs } from './programs.ts';
import { queue } from './queue.ts';
import { records } from './records.ts';
import { replicateOriginals } from './replication.ts';
import { results } from './results.ts';
import { secrets } from './secrets.ts';
import { topics } from './topics.ts';

export interface Staged extends Named {
  replica: Named | undefined;
}

export function context(app: App, { name: stage, settings, replica }: Staged, viewerCode: string): Context {
  const prefix = prefixOf(stage);
  const stack = new TerraformStack(app, prefix);
  keepState(stack, settings, stage);
  pinProvider(stack);
  const defaultTags = [{ tags: { project: 'rendition', stage } }];
  new AwsProvider(stack, 'aws', { region: settings.region, defaultTags });
  const global = new AwsProvider(stack, 'global', { region: 'us-east-1', alias: 'global', defaultTags });
  const account = new DataAwsCallerIdentity(stack, 'caller').accountId;
  return { stack, settings, replica, viewerCode, prefix, account, global };
}

/** One whole deployment: everything that stands behind one CloudFront name. */
export function stage(app: App, staged: Staged, viewerCode: string): void {
  const at = context(app, staged, viewerCode);
  const net = network(at);
  const warm = queue(at);
  const stored = { originals: originals(at), results: results(at), records: records(at) };
  events(at, warm, stored);
  const told = topics(at);
  const logs = logBucket(at);
  const front = balancer(at, net, logs);
  const firewallArn = firewall(at);
  const signing = edge(at);
  const door = cdn(at, {
    results: stored.results,
    balancer: front,
    viewerFunction: signing.viewerFunction,
    firewallArn,
    certificateArn: certificate(at),
  });
  accessLog(at, door.arn, logs);
  firewallLog(at, firewallArn);
  networkLog(at, net.vpcId, logs);
  replicateOriginals(at, stored.originals);
  const running = programs(at, { net, warm, stored, told, front, door, secrets: secrets(at) });
  const parts = { warm, stored, told, front, door, running };
  const watched = metrics(at, parts);
  countLines(at, running.warmerLogs);
  outputs(at, { ...parts, signing, dashboard: dashboard(at, watched, alarms(at, watched, told)) });
  budget(at);
}
