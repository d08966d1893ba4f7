import t from 'tap';
import { readSource } from '../../../server/shared/sources.ts';
import { readJob } from '../../../server/warming/jobs.ts';

const read = (message: unknown) => readJob(typeof message === 'string' ? message : JSON.stringify(message));
const s3 = (eventName: string, object: unknown) => ({ Records: [{ eventName, s3: { object } }] });
const bridge = (type: string, detail: unknown) => ({ source: 'aws.s3', 'detail-type': type, detail });

t.test('reads what S3, EventBridge and SNS send of an object, each in its own form', async (t) => {
  const created = { kind: 'objects', events: [{ id: 'a b.jpg', change: 'created', etag: 'e' }] };
  const event = s3('ObjectCreated:Put', { key: 'a+b.jpg', eTag: 'e' });
  t.match(read(event), created);
  t.match(read({ Type: 'Notification', Message: JSON.stringify(event) }), created, 'by way of SNS');
  t.match(read(bridge('Object Created', { object: { key: 'a b.jpg', etag: 'e' } })), created);
  t.match(read(s3('ObjectCreated:Copy', { key: 'x' })), { events: [{ id: 'x', change: 'created' }] });
  for (const name of ['ObjectRemoved:Delete', 'LifecycleExpiration:Delete'])
    t.match(read(s3(name, { key: 'x' })), { events: [{ id: 'x', change: 'removed' }] }, name);
  t.match(read(bridge('Object Deleted', { object: { key: 'x' } })), {
    events: [{ id: 'x', change: 'removed' }],
  });
  t.match(read(bridge('Object Tags Added', { object: { key: 'x' } })), { kind: 'objects', events: [] });
  t.match(read({ Event: 's3:TestEvent' }), { kind: 'objects', events: [] });
});

t.test('what is no message of anybody is unknown, and says why', async (t) => {
  const broken: [unknown, RegExp][] = [
    ['{', /not JSON/],
    ['1', /not an object/],
    ['[]', /no known kind|not an object/],
    [{}, /no known kind/],
    [{ kind: 'warm', id: 'a' }, /warm job/],
    [{ kind: 'warm', id: '../a', version: 'v', variants: [] }, /warm job/],
    [{ kind: 'warm', id: 'a', version: 'v', variants: [1] }, /warm job/],
    [{ kind: 'notify', id: 'a', channel: 'pigeon' }, /notify job/],
    [{ kind: 'notify', channel: 'topic' }, /notify job/],
    [{ kind: 'invalidate' }, /invalidate job/],
    [bridge('Object Created', {}), /without a key/],
    [bridge('Object Created', 'text'), /without a key/],
    [s3('ObjectCreated:Put', { key: '%E0%A4%A' }), /form-encoded/],
    [{ Type: 'Notification', Message: 7 }, /no known kind/],
  ];
  for (const [message, reason] of broken)
    t.match(read(message), { kind: 'unknown', reason }, JSON.stringify(message));
});

t.test('events that name no object are passed over, and others beside them are not', async (t) => {
  const records = [
    null,
    {},
    { eventName: 'ObjectCreated:Put' },
    { eventName: 'ObjectCreated:Put', s3: {} },
    { eventName: 'ObjectCreated:Put', s3: { object: { key: 7 } } },
    { eventName: 'ObjectRestore:Completed', s3: { object: { key: 'x' } } },
    { eventName: 'ObjectCreated:Put', s3: { object: { key: 'a' } } },
  ];
  t.match(read({ Records: records }), { kind: 'objects', events: [{ id: 'a', change: 'created' }] });
  const ours = { kind: 'objects', events: [{ id: 'a', change: 'created' }, { id: 'a', change: 'moved' }, 7] };
  t.same(read(ours), { kind: 'objects', events: [{ id: 'a', change: 'created' }] });
});

t.test('jobs of our own are read as they were sent', async (t) => {
  const warm = { kind: 'warm', id: 'a', version: 'v', variants: ['fmt=webp&w=10'] };
  t.match(read(warm), warm);
  const notify = { kind: 'notify', id: 'a', channel: 'webhook', message: 'msg_1', tries: 2 };
  t.match(read(notify), notify);
  t.match(read({ kind: 'notify', id: 'a', channel: 'topic' }), { message: /^msg_/ }, 'of a program before');
  t.match(read({ kind: 'invalidate', id: 'a' }), { kind: 'invalidate', id: 'a' });
});

t.test(
  'what goes from the bucket of results is told apart from originals, in each form of an event',
  async (t) => {
    const key = 'img/a b/fmt=webp&w=20&_=4';
    const s3 = (eventName: string, bucket: string) => ({
      Records: [
        {
          eventName,
          s3: { bucket: { name: bucket }, object: { key: encodeURIComponent(key).replace('%20', '+') } },
        },
      ],
    });
    const read = (message: object) =>
      readJob(JSON.stringify(message), { results: 'results', originals: 'originals' });
    const gone = { kind: 'objects', events: [], expired: [key] };
    t.same(read(s3('LifecycleExpiration:Delete', 'results')), gone);
    t.same(read(s3('ObjectRemoved:Delete', 'results')), gone);
    t.same(
      read({ Type: 'Notification', Message: JSON.stringify(s3('LifecycleExpiration:Delete', 'results')) }),
      gone,
    );
    const eventBridge = {
      source: 'aws.s3',
      'detail-type': 'Object Deleted',
      detail: { bucket: { name: 'results' }, object: { key }, reason: 'Lifecycle Expiration' },
    };
    t.same(read(eventBridge), gone);
    t.same(read(s3('ObjectCreated:Put', 'results')), { kind: 'objects', events: [] }, 'we have stored it');
    const removed = { kind: 'objects', events: [{ id: key, change: 'removed' }] };
    t.same(read(s3('LifecycleExpiration:Delete', 'originals')), removed);
    t.same(
      readJob(JSON.stringify(s3('ObjectRemoved:Delete', 'results'))),
      removed,
      'where results are files',
    );
  },
);

t.test('an event is of a source, of the originals, or refused, by its bucket', async (t) => {
  const sources = [
    readSource('old', 's3://archive/pictures/'),
    readSource('all', 's3://archive/'),
    readSource('shop', 'https://shop.example/'),
  ];
  const event = (bucket: string, key: string) => ({
    source: 'aws.s3',
    'detail-type': 'Object Created',
    detail: { bucket: { name: bucket }, object: { key, etag: 'e' } },
  });
  const read = (message: object, originals: string | undefined = 'originals') =>
    readJob(JSON.stringify(message), { results: 'results', originals, sources });
  const events = (...ids: string[]) => ({
    kind: 'objects',
    events: ids.map((id) => ({ id, change: 'created', etag: 'e' })),
  });
  t.same(read(event('originals', 'a.jpg')), events('a.jpg'));
  t.same(read(event('archive', 'pictures/a.jpg')), events('old/a.jpg', 'all/pictures/a.jpg'));
  t.same(read(event('archive', 'b.jpg')), events('all/b.jpg'));
  t.same(read(event('others', 'a.jpg')), { ...events(), strange: ['others'] });
  t.same(read(event('others', 'a.jpg'), 'arn:aws:s3:eu-west-1:1:accesspoint/x'), events('a.jpg'));
  t.same(
    read({ source: 'aws.s3', 'detail-type': 'Object Created', detail: { object: { key: 'a', etag: 'e' } } }),
    events('a'),
  );
});
