import type { Answer, Failure, OriginRequest } from './message.ts';
import type { Stack } from './stack.ts';

/** What a bucket lets the distribution do. */
export interface BucketRights {
  /** Begin of the keys that may be read. */
  readonly readable: string;
  /** Whether it may know that a key is not there. */
  readonly canList: boolean;
}

interface RawPolicy {
  policy: string;
}

const STATEMENT =
  /"cloudfront\.amazonaws\.com"\}, "Action" = \[([^\]]*)\], "Resource" = \[join\("", \[[^,]*, "\/([^"*]*)\*"\]\)\]/;

/** Of the results' policy, as synthesised. */
export function bucketRights(stack: Stack): BucketRights {
  const policy = stack.all<RawPolicy>('aws_s3_bucket_policy')['results-policy']?.policy ?? '';
  const [, actions = '', readable = ''] = STATEMENT.exec(policy) ?? [];
  if (!actions.includes('"s3:GetObject"')) throw new Error('The results let CloudFront read nothing');
  return { readable, canList: actions.includes('s3:ListBucket') };
}

/** Parameters by which a GET is another call of S3 ("Actions", Amazon S3 API Reference), which needs a right of its own. */
const OTHER_CALLS = [
  'acl',
  'attributes',
  'legal-hold',
  'retention',
  'tagging',
  'torrent',
  'uploadId',
  'versionId',
];

/** "GetObject", Request Syntax: what S3 refuses before it looks for the key. */
const MALFORMED: Readonly<Record<string, (value: string) => boolean>> = {
  partNumber: (value) => !/^([1-9]\d{0,3}|10000)$/.test(value),
  versionId: (value) => value === '',
};

const MAX_KEY_BYTES = 1024;

const xml = (status: number, code: string): Answer => ({
  status,
  headers: { 'content-type': 'application/xml', 'x-amz-request-id': 'MODEL' },
  body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`),
});

/** S3 answers that no emulator gives: rights of the bucket's policy, other calls than reading, malformed ones. */
function refusal({ path, query }: OriginRequest, { readable }: BucketRights): Answer | undefined {
  const pairs = query.split('&').filter(Boolean);
  const parameters = pairs.map((pair): [string, string] => {
    const [name = '', value = ''] = pair.split('=');
    return [name, value];
  });
  if (parameters.some(([name, value]) => MALFORMED[name]?.(value))) return xml(400, 'InvalidArgument');
  const key = path.slice(1);
  if (Buffer.byteLength(key.replace(/%[0-9a-f]{2}/gi, '.')) > MAX_KEY_BYTES)
    return xml(400, 'KeyTooLongError');
  const isOther = parameters.some(([name]) => OTHER_CALLS.includes(name));
  return isOther || !key.startsWith(readable) ? xml(403, 'AccessDenied') : undefined;
}

/** Asks a bucket as S3 answers CloudFront: "GetObject", Permissions: without ListBucket what is not there is a 403. */
export async function askBucket(
  rights: BucketRights,
  asked: OriginRequest,
  read: (asked: OriginRequest) => Promise<Answer | Failure>,
): Promise<Answer | Failure> {
  const refused = refusal(asked, rights);
  if (refused) return refused;
  // Emulators take names of buckets from Host, and everything else for a path.
  const { host: _host, ...headers } = asked.headers;
  const answer = await read({ ...asked, headers });
  const isAbsent = typeof answer !== 'string' && answer.status === 404;
  return isAbsent && !rights.canList ? xml(403, 'AccessDenied') : answer;
}
