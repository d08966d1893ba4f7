import { type App, TerraformOutput } from 'cdktf';
import { prefixOf, tableName } from '../names.ts';
import type { Settings } from '../settings.ts';
import { taskSize } from '../sizing.ts';
import { alarms } from './alarms.ts';
import { balancer } from './balancer.ts';
import { guardBucket } from './bucket.ts';
import { dashboard } from './dashboard.ts';
import { readerEnvironment } from './environment.ts';
import { logBucket, networkLog } from './logs.ts';
import { readerMetrics } from './metrics.ts';
import { network } from './network.ts';
import { own } from './originals.ts';
import { cluster, logGroup } from './programs.ts';
import { results } from './results.ts';
import { executionRole, readerRole } from './roles.ts';
import { scaleServer } from './scaling.ts';
import { secrets } from './secrets.ts';
import { serverService } from './services.ts';
import { context } from './stage.ts';
import { taskDefinition } from './task.ts';
import { alarmTopic } from './topics.ts';

/**
 * A second region for reading: servers, their results, and copies of originals and records. It has no distribution, no
 * queue and no warmer: the stage that it copies asks its balancer where its own servers fail, and writes all there is.
 */
export function replica(app: App, name: string, settings: Settings): void {
  const at = context(app, { name, settings, replica: undefined }, '');
  const net = network(at);
  const table = tableName(prefixOf(settings.replica_of));
  const stored = {
    originals: own(at),
    results: results(at),
    records: { name: table, arn: `arn:aws:dynamodb:${settings.region}:${at.account}:table/${table}` },
  };
  guardBucket(at, 'results', stored.results, []);
  const logs = logBucket(at);
  const front = balancer(at, net, logs);
  networkLog(at, net.vpcId, logs);
  const serverLogs = logGroup(at, 'server');
  const given = secrets(at);
  const clusterName = cluster(at);
  const task = taskDefinition(at, 'server', {
    size: taskSize(settings.size, 'server'),
    parts: [{ program: 'server', environment: readerEnvironment(at, stored), logGroup: serverLogs }],
    secrets: given,
    execution: executionRole(at, Object.values(given), { server: serverLogs }),
    role: readerRole(at, stored),
  });
  const service = serverService(at, clusterName, { net, front }, task);
  scaleServer(at, service, front);
  const watched = readerMetrics({ front, running: { cluster: clusterName, server: service.name } }, table);
  const rung = alarms(at, watched, { alarmsArn: alarmTopic(at) });
  for (const [output, value] of Object.entries({
    cluster: clusterName,
    dashboard: dashboard(at, watched, rung),
    balancer: front.lb.arn,
    replica_of: settings.replica_of,
  }))
    new TerraformOutput(at.stack, `output-${output}`, { value }).overrideLogicalId(output);
}
