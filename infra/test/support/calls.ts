import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Part, Target } from '../../stacks/permissions.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** Files that a program loads, by path from the repository's root. */
export function loadedBy(entry: string): Map<string, string> | undefined {
  if (!existsSync(join(ROOT, entry))) return undefined;
  const files = new Map<string, string>();
  const visit = (file: string) => {
    const name = relative(ROOT, file).replaceAll('\\', '/');
    if (files.has(name)) return;
    const text = readFileSync(file, 'utf8');
    files.set(name, text);
    const imports = text.matchAll(
      /^(?:import|export) (?!type )[^;]*?from '(\.[^']+)'|import\('(\.[^']+)'\)/gm,
    );
    for (const [, still, dynamic] of imports) visit(join(dirname(file), String(still ?? dynamic)));
  };
  visit(join(ROOT, entry));
  return files;
}

/** SDK call to the actions that IAM knows it by, and what they are granted on. */
export const ACTIONS: Readonly<Record<string, readonly (readonly [action: string, part: Part])[]>> = {
  HeadObject: [
    ['s3:GetObject', '/*'],
    ['s3:ListBucket', ''],
  ],
  GetObject: [
    ['s3:GetObject', '/*'],
    ['s3:ListBucket', ''],
  ],
  PutObject: [['s3:PutObject', '/*']],
  CopyObject: [
    ['s3:GetObject', '/*'],
    ['s3:PutObject', '/*'],
  ],
  Upload: [
    ['s3:PutObject', '/*'],
    ['s3:AbortMultipartUpload', '/*'],
  ],
  AbortMultipartUpload: [['s3:AbortMultipartUpload', '/*']],
  PresignedPost: [['s3:PutObject', '/*']],
  DeleteObjects: [['s3:DeleteObject', '/*']],
  ListObjectsV2: [['s3:ListBucket', '']],
  HeadBucket: [['s3:ListBucket', '']],
  Get: [['dynamodb:GetItem', '']],
  BatchGet: [['dynamodb:BatchGetItem', '']],
  Put: [['dynamodb:PutItem', '']],
  Delete: [['dynamodb:DeleteItem', '']],
  Update: [['dynamodb:UpdateItem', '']],
  Query: [
    ['dynamodb:Query', ''],
    ['dynamodb:Query', '/index/*'],
  ],
  TransactWrite: [
    ['dynamodb:PutItem', ''],
    ['dynamodb:UpdateItem', ''],
    ['dynamodb:DeleteItem', ''],
    ['dynamodb:ConditionCheckItem', ''],
  ],
  SendMessageBatch: [['sqs:SendMessage', '']],
  GetQueueUrl: [['sqs:GetQueueUrl', '']],
  GetQueueAttributes: [['sqs:GetQueueAttributes', '']],
  ReceiveMessage: [['sqs:ReceiveMessage', '']],
  ChangeMessageVisibility: [['sqs:ChangeMessageVisibility', '']],
  DeleteMessage: [['sqs:DeleteMessage', '']],
  DeleteMessageBatch: [['sqs:DeleteMessage', '']],
  Publish: [['sns:Publish', '']],
  CreateInvalidation: [['cloudfront:CreateInvalidation', '']],
};

const CALL = /new (\w+)Command\(|new (Upload)\(|create(PresignedPost)\(/g;

/** Names of the SDK calls in a text. */
export function callsIn(text: string): string[] {
  return [...text.matchAll(CALL)].map(([, command, upload, post]) => String(command ?? upload ?? post));
}

/** Methods of all classes of a text by name, and its functions; two of one name are one. */
function methodsOf(text: string): Map<string, string> {
  const methods = new Map<string, string>();
  const method = /^ {2}(?:async )?(#?\w+)\([\s\S]*?^ {2}\}$/gm;
  const own = /^(?:export )?(?:async )?function (\w+)\([\s\S]*?^\}$/gm;
  for (const [body, name] of [...text.matchAll(method), ...text.matchAll(own)]) {
    methods.set(String(name), `${methods.get(String(name)) ?? ''}${body}`);
  }
  return methods;
}

/** The SDK calls that a method of a store comes to, each with the queue or bucket it is made on. */
export function callsOf(text: string, method: string, target: Target): [call: string, target: Target][] {
  const methods = methodsOf(text);
  const found: [string, Target][] = [];
  const seen = new Set<string>();
  const visit = (name: string, on: Target) => {
    const body = methods.get(name);
    if (body === undefined || seen.has(`${name} ${on}`)) return;
    seen.add(`${name} ${on}`);
    found.push(...callsIn(body).map((call): [string, Target] => [call, on]));
    for (const [, which, inner, own] of body.matchAll(
      /this\.(?:(#queue|#dead)\.)?(#?\w+)\(|(?<![.\w#])(\w+)\(/g,
    )) {
      visit(String(inner ?? own), which === '#dead' ? 'deadLetters' : which === '#queue' ? 'queue' : on);
    }
  };
  visit(method, target);
  return found;
}
