import { DataAwsAvailabilityZones } from '@cdktf/provider-aws/lib/data-aws-availability-zones/index.js';
import { InternetGateway } from '@cdktf/provider-aws/lib/internet-gateway/index.js';
import { RouteTable } from '@cdktf/provider-aws/lib/route-table/index.js';
import { RouteTableAssociation } from '@cdktf/provider-aws/lib/route-table-association/index.js';
import { Subnet } from '@cdktf/provider-aws/lib/subnet/index.js';
import { Vpc } from '@cdktf/provider-aws/lib/vpc/index.js';
import { VpcEndpoint } from '@cdktf/provider-aws/lib/vpc-endpoint/index.js';
import { Fn } from 'cdktf';
import { EXCLUDED_ZONES } from '../zones.ts';
import type { Context } from './context.ts';

export interface Network {
  vpcId: string;
  /** For tasks: a public address and the internet gateway instead of a NAT, which costs more than the tasks. */
  taskSubnets: string[];
  /** For the balancer: no route out of the VPC. */
  balancerSubnets: string[];
}

const ZONES = [0, 1];

/**
 * Ids of the two zones: the stage's, or the first of the region that have everything. Zones that an account opted into
 * (Local, Wavelength) are none.
 */
function zoneIds({ stack, settings }: Context): string[] {
  if (settings.zones.length > 0) return settings.zones;
  const found = new DataAwsAvailabilityZones(stack, 'zones', {
    state: 'available',
    excludeZoneIds: [...(EXCLUDED_ZONES[settings.region] ?? [])],
    filter: [
      { name: 'zone-type', values: ['availability-zone'] },
      { name: 'opt-in-status', values: ['opt-in-not-required'] },
    ],
    lifecycle: {
      postcondition: [
        {
          condition: `\${length(self.zone_ids) > 1}`,
          errorMessage:
            'This account has fewer than two zones with VPC origins and Fargate here: choose another region.',
        },
      ],
    },
  });
  return ZONES.map((zone) => Fn.element(found.zoneIds, zone));
}

/** Two zones, two kinds of subnet, gateway endpoints so that S3 and DynamoDB traffic is free and stays inside. */
export function network(at: Context): Network {
  const { stack, settings, prefix } = at;
  const vpc = new Vpc(stack, 'vpc', {
    cidrBlock: '10.40.0.0/16',
    enableDnsHostnames: true,
    enableDnsSupport: true,
    tags: { Name: prefix },
  });
  const gateway = new InternetGateway(stack, 'gateway', { vpcId: vpc.id, tags: { Name: prefix } });
  const outward = new RouteTable(stack, 'routes-tasks', {
    vpcId: vpc.id,
    route: [{ cidrBlock: '0.0.0.0/0', gatewayId: gateway.id }],
    tags: { Name: `${prefix}-tasks` },
  });
  const inward = new RouteTable(stack, 'routes-balancer', {
    vpcId: vpc.id,
    tags: { Name: `${prefix}-balancer` },
  });
  const zones = zoneIds(at);
  const subnets = (name: string, table: RouteTable, firstBlock: number): string[] =>
    ZONES.map((zone) => {
      const subnet = new Subnet(stack, `subnet-${name}-${zone}`, {
        vpcId: vpc.id,
        availabilityZoneId: zones[zone] ?? '',
        cidrBlock: `10.40.${firstBlock + zone * 16}.0/20`,
        tags: { Name: `${prefix}-${name}-${zone}` },
        // Chosen once: the list of tomorrow, an impaired zone or a new one, must not replace a subnet.
        lifecycle: { ignoreChanges: ['availability_zone', 'availability_zone_id'] },
      });
      new RouteTableAssociation(stack, `route-${name}-${zone}`, {
        subnetId: subnet.id,
        routeTableId: table.id,
      });
      return subnet.id;
    });
  for (const service of ['s3', 'dynamodb']) {
    new VpcEndpoint(stack, `endpoint-${service}`, {
      vpcId: vpc.id,
      serviceName: `com.amazonaws.${settings.region}.${service}`,
      vpcEndpointType: 'Gateway',
      routeTableIds: [outward.id],
    });
  }
  return {
    vpcId: vpc.id,
    taskSubnets: subnets('tasks', outward, 0),
    balancerSubnets: subnets('balancer', inward, 128),
  };
}
