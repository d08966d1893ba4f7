import { bad, type Finding, good, look, type Patient, unread } from './finding.ts';

interface Depth {
  waiting: number;
  held: number;
}

interface Attributes {
  ApproximateNumberOfMessages: string;
  ApproximateNumberOfMessagesNotVisible: string;
}

function depthOf({ aws }: Patient, name: string): Depth | undefined {
  const url = aws.ask<string>('sqs', 'get-queue-url', ['--queue-name', name], 'QueueUrl');
  if (url === undefined) return undefined;
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'];
  const options = ['--queue-url', url, '--attribute-names', ...names];
  const read = aws.ask<Attributes>('sqs', 'get-queue-attributes', options, 'Attributes');
  return (
    read && {
      waiting: Number(read.ApproximateNumberOfMessages),
      held: Number(read.ApproximateNumberOfMessagesNotVisible),
    }
  );
}

/** More is no backlog of a moment: another warmer starts at twenty for each (stacks/scaling.ts). */
const MANY_WAITING = 1000;

export function queue(patient: Patient): Finding[] {
  const name = `${patient.prefix}-warm`;
  const depth = depthOf(patient, name);
  if (!depth) return [unread(`queue ${name}`)];
  const text = `${depth.waiting} messages wait, ${depth.held} are being worked on`;
  return [depth.waiting > MANY_WAITING ? look(`${text}: do warmers run?`) : good(text)];
}

export function deadLetters(patient: Patient): Finding[] {
  const name = `${patient.prefix}-warm-dead`;
  const depth = depthOf(patient, name);
  if (!depth) return [unread(`queue ${name}`)];
  const count = depth.waiting + depth.held;
  return [count === 0 ? good('none') : bad(`${count} jobs were given up on: docs/operations.md#redrive`)];
}
