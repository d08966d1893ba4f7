import t from 'tap';
import { keysOverAws, keysOverFiles, SAMPLE_KEYS } from './keys.ts';

t.test('some keys of real buckets over files and SQLite', (t) => keysOverFiles(t, SAMPLE_KEYS));
t.test('some keys of real buckets over S3, DynamoDB and SQS', (t) => keysOverAws(t, SAMPLE_KEYS));
