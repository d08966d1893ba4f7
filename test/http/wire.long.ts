import t from 'tap';
import { wireSuite } from './wire.ts';

t.setTimeout(3_600_000);
t.test('every fault between the programs and S3, DynamoDB and SQS', wireSuite);
