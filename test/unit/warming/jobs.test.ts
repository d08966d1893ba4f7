import t from 'tap';
import { again, checkTime, Later, readJob } from '../../../server/warming/jobs.ts';

/** As S3 sends them through EventBridge; the first is the example of its documentation, shortened. */
const event = (type: string, object: object) => ({
  version: '0',
  id: '17793124-05d4-b198-2fde-7ededc63b103',
  'detail-type': type,
  source: 'aws.s3',
  detail: { version: '0', bucket: { name: 'originals' }, object, reason: 'PutObject' },
});

t.test('reads events of S3 that come through EventBridge, whose keys are not encoded', async (t) => {
  const object = { key: 'a b/100%+c.jpg', size: 5, etag: 'b1946ac92492d2347c6235b4d2611184', sequencer: '1' };
  const created = { id: object.key, change: 'created', etag: object.etag };
  t.same(readJob(JSON.stringify(event('Object Created', object))), { kind: 'objects', events: [created] });
  const gone = { key: 'a.jpg', sequencer: '2' };
  const removed = { kind: 'objects', events: [{ id: 'a.jpg', change: 'removed' }] };
  t.same(readJob(JSON.stringify(event('Object Deleted', gone))), removed);
  t.same(readJob(JSON.stringify(event('Object Tags Added', gone))), { kind: 'objects', events: [] });
  t.match(readJob(JSON.stringify(event('Object Created', {}))), { kind: 'unknown' });
  t.match(readJob(JSON.stringify(event('Object Created', { key: 'a//b' }))), { unservable: ['a//b'] });
});

t.test(
  'a job that is tried again later waits as long as it has to, in steps that a queue can delay',
  async (t) => {
    const job = { kind: 'invalidate', id: 'a' } as const;
    const next = again(job, 7200, 1000);
    t.equal(next.delaySeconds, 900);
    const read = readJob(next.body);
    t.same(read, { ...job, tries: 1, after: 8200 });
    if (read.kind !== 'invalidate') throw new Error('another job');
    for (const [now, delaySeconds] of [
      [1900, 900],
      [7900, 300],
    ] as const) {
      try {
        checkTime(read, now);
        t.fail('too early');
      } catch (error) {
        if (!(error instanceof Later)) throw error;
        t.equal(error.job.delaySeconds, delaySeconds);
        t.same(readJob(error.job.body), read, 'which is no try');
      }
    }
    checkTime(read, 8200);
  },
);
