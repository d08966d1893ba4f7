import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import t from 'tap';
import { clients } from '../support/emulators.ts';
import { problemOf, startServer } from '../support/server.ts';
import { feedOf, idsOf, picture, watched } from '../warmer/feeds.ts';

// Not part of `npm test`: moto is Python. Its STS makes keys of a role, and its S3 then refuses what a policy does not allow.
const { MOTO_ENDPOINT: endpoint = '' } = process.env;
if (!endpoint) throw new Error('MOTO_ENDPOINT is not set, e.g. to http://127.0.0.1:5555');

const signed = (service: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
});

/** A call of IAM, before anybody checks. */
async function iam(action: string, parameters: Record<string, string>): Promise<string> {
  const body = new URLSearchParams({ Action: action, Version: '2010-05-08', ...parameters });
  const answer = await fetch(endpoint, { method: 'POST', headers: signed('iam'), body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}

const policy = (...statements: object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements });
const between = (text: string, tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(text)?.[1] ?? '';

/** From the `count`-th request on whoever has no right is refused. */
const check = (count: string) =>
  fetch(`${endpoint}/moto-api/reset-auth`, { method: 'POST', body: count }).then((answer) => answer.text());

t.setTimeout(1_800_000);
t.test(
  'a bucket of others is read by the role that its source or feed has, and by no other right',
  async (t) => {
    const Bucket = `theirs-${randomUUID()}`;
    const { s3 } = clients(endpoint);
    await s3.send(new CreateBucketCommand({ Bucket }));
    for (const n of [1, 2])
      await s3.send(new PutObjectCommand({ Bucket, Key: `in/${n}.jpg`, Body: await picture(n) }));
    const names = { RoleName: `reads-${Bucket}`, UserName: `program-${Bucket}` };
    const trust = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' };
    const role = between(
      await iam('CreateRole', { RoleName: names.RoleName, AssumeRolePolicyDocument: policy(trust) }),
      'Arn',
    );
    const reads = [
      { Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/in/*` },
      { Effect: 'Allow', Action: 's3:ListBucket', Resource: `arn:aws:s3:::${Bucket}` },
    ];
    await iam('PutRolePolicy', {
      RoleName: names.RoleName,
      PolicyName: 'reads',
      PolicyDocument: policy(...reads),
    });
    await iam('CreateUser', { UserName: names.UserName });
    const assumes = { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: role };
    await iam('PutUserPolicy', {
      UserName: names.UserName,
      PolicyName: 'assumes',
      PolicyDocument: policy(assumes),
    });
    const key = await iam('CreateAccessKey', { UserName: names.UserName });
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: between(key, 'AccessKeyId'),
      AWS_SECRET_ACCESS_KEY: between(key, 'SecretAccessKey'),
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_STS: endpoint,
      AWS_MAX_ATTEMPTS: '1',
    });
    t.teardown(() => check('inf'));
    await check('0');

    const SOURCES = `old=s3://${Bucket}/in/?role=${role};bare=s3://${Bucket}/in/`;
    const server = await startServer({ S3_ENDPOINT: endpoint, SOURCES });
    t.teardown(() => server.close());
    const served = await server.get('/img/old/1.jpg?w=9&fmt=png');
    t.equal(served.status, 200);
    t.match(await problemOf(await server.get('/img/bare/1.jpg?w=9')), { status: 500, code: 'store_refused' });

    const { server: watching, write, look } = await watched(t, { S3_ENDPOINT: endpoint });
    const feed = { kind: 's3', from: `s3://${Bucket}/in/` };
    await write({ name: 'with', ...feed, role }, { name: 'bare', ...feed });
    await look();
    t.match(await feedOf(watching, 'with'), { status: 'ok', run: { seen: 2, new: 2, failed: 0 } });
    t.match(await feedOf(watching, 'bare'), { status: 'failed', run: { error: /^store_refused/ } });
    t.same(await idsOf(watching), ['with/1.jpg', 'with/2.jpg']);
  },
);
