import { TerraformOutput } from 'cdktf';
import type { Bucket } from './bucket.ts';
import type { Context } from './context.ts';
import type { Edge } from './edge.ts';
import type { Watched } from './metrics.ts';

interface Told extends Watched {
  stored: Watched['stored'] & { originals: Bucket; results: Bucket };
  signing: Edge;
  dashboard: string;
}

/** What the operator needs next. */
export function outputs(at: Context, { warm, stored, door, running, signing, dashboard }: Told): void {
  const { region } = at.settings;
  const api = `https://${door.host}/api`;
  const rows: Record<string, string> = {
    cdn_domain: door.host,
    cloudfront_domain: door.cloudfrontHost,
    distribution_id: door.id,
    api_url: api,
    originals_bucket: stored.originals.name,
    results_bucket: stored.results.name,
    queue: warm.name,
    dead_letter_queue: warm.dead.name,
    table: stored.records.name,
    cluster: running.cluster,
    server_service: running.server,
    warmer_service: running.warmer,
    edge_store: signing.storeArn,
    signed: String(at.settings.signed),
    playground_url: `https://${door.host}/`,
    dashboard_url: `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#dashboards:name=${dashboard}`,
    curl: `curl -H "Authorization: Bearer $TOKEN" -F file=@photo.jpg ${api}/images`,
  };
  for (const [name, text] of Object.entries(rows)) {
    new TerraformOutput(at.stack, `output-${name}`, { value: text }).overrideLogicalId(name);
  }
}
