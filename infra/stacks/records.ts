import { DynamodbTable } from '@cdktf/provider-aws/lib/dynamodb-table/index.js';
import { tableName } from '../names.ts';
import type { Context } from './context.ts';

export interface Table {
  name: string;
  arn: string;
}

const KEYS = ['pk', 'sk', 'gsi1pk', 'gsi1sk', 'gsi2pk'];

/** A copy in another region is fed by the stream of changes. */
const copies = (replica: Context['replica']) =>
  replica
    ? {
        streamEnabled: true,
        streamViewType: 'NEW_AND_OLD_IMAGES',
        replica: [{ regionName: replica.settings.region, pointInTimeRecovery: true }],
      }
    : {};

/** One table for images, variants, collections and leases. */
export function records({ stack, settings, prefix, replica }: Context): Table {
  const table = new DynamodbTable(stack, 'records', {
    name: tableName(prefix),
    billingMode: 'PAY_PER_REQUEST',
    hashKey: 'pk',
    rangeKey: 'sk',
    attribute: KEYS.map((name) => ({ name, type: 'S' })),
    globalSecondaryIndex: [
      { name: 'gsi1', hashKey: 'gsi1pk', rangeKey: 'gsi1sk', projectionType: 'ALL' },
      { name: 'ids', hashKey: 'gsi2pk', rangeKey: 'pk', projectionType: 'KEYS_ONLY' },
    ],
    ttl: { attributeName: 'expires', enabled: true },
    pointInTimeRecovery: { enabled: true },
    serverSideEncryption: { enabled: true },
    deletionProtectionEnabled: settings.protect,
    ...copies(replica),
  });
  return { name: table.name, arn: table.arn };
}
