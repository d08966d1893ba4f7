import t from 'tap';
import { BUCKET_KEYS } from '../support/keys.ts';
import { keysOverAws, keysOverFiles } from './keys.ts';

t.test('keys of real buckets over files and SQLite', (t) => keysOverFiles(t, BUCKET_KEYS));
t.test('keys of real buckets over S3, DynamoDB and SQS', (t) => keysOverAws(t, BUCKET_KEYS));
