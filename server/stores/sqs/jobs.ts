import {
  type BatchResultErrorEntry,
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { attempt, errorName, sending } from '../errors.ts';
import { batches, checked } from '../job-bodies.ts';
import type { Jobs, OutgoingJob, ReceivedJob } from '../jobs.ts';

/** Long enough to send what was received from the dead letters and to delete it there. */
const REDRIVE_SECONDS = 60;
/** Entries that a batch could not take for a reason on the queue's side are sent again this often. */
const RESENDS = 3;
/** How much longer than asked for a long poll may take, ms. */
const POLL_GRACE_MS = 5_000;
/** How SQS says that a receipt is of no use any more; the last one is also beyond 12 hours in flight. */
const STALE = ['MessageNotInflight', 'ReceiptHandleIsInvalid', 'InvalidParameterValue'];

type Options = Parameters<Jobs['receive']>[0];
type Entry = { Id: string; MessageBody: string; DelaySeconds?: number };

/**
 * Jobs on a standard queue of SQS, whose redrive policy names `deadLetterQueue` and the number of receives.
 * Where queue URLs name a host that is not the endpoint's (emulators), the client needs
 * `useQueueUrlAsEndpoint: false`.
 */
export class SqsJobs implements Jobs {
  readonly #client: SQSClient;
  readonly #queue: Queue;
  readonly #dead: Queue;
  readonly deadLetters: Jobs['deadLetters'];

  /** @param names  of queues, not URLs */
  constructor(client: SQSClient, names: { queue: string; deadLetterQueue: string }) {
    this.#client = client;
    this.#queue = new Queue(client, names.queue);
    this.#dead = new Queue(client, names.deadLetterQueue);
    this.deadLetters = this.#dead;
  }

  async send(jobs: Parameters<Jobs['send']>[0]): Promise<void> {
    const outgoing = checked(jobs);
    await attempt(undefined, async () => {
      for (const batch of batches(outgoing)) await this.#sendBatch(batch.map(entryOf));
    });
  }

  receive(options: Options, signal?: AbortSignal): Promise<ReceivedJob[]> {
    return this.#queue.receive(options, signal);
  }

  extend(receipt: string, seconds: number): Promise<boolean> {
    return this.#queue.extend(receipt, seconds);
  }

  remove(receipt: string): Promise<void> {
    return this.#queue.remove(receipt);
  }

  async depth(): Promise<{ ready: number; inFlight: number; dead: number }> {
    const [queue, dead] = await Promise.all([this.#queue.depth(), this.#dead.depth()]);
    return { ...queue, dead: dead.ready + dead.inFlight };
  }

  oldestSentAt(): Promise<Date | undefined> {
    return this.#queue.front();
  }

  /** Sends, then deletes: a crash in between doubles a job, which its receiver has to bear anyway. */
  async redrive(max: number): Promise<number> {
    for (let moved = 0; ; ) {
      // A wait makes SQS ask all of its servers, so that [] means empty.
      const options = { max: Math.min(10, max - moved), waitSeconds: 1, visibilitySeconds: REDRIVE_SECONDS };
      const jobs = options.max > 0 ? await this.#dead.receive(options) : [];
      if (jobs.length === 0) return moved;
      await this.send(jobs.map(({ body }) => body));
      await this.#dead.removeAll(jobs.map(({ receipt }) => receipt));
      moved += jobs.length;
    }
  }

  async ping(): Promise<void> {
    await this.#queue.depth();
  }

  async #sendBatch(entries: Entry[]): Promise<void> {
    let left = entries;
    for (let resends = 0; left.length > 0; resends++) {
      const command = new SendMessageBatchCommand({ QueueUrl: await this.#queue.url(), Entries: left });
      const { Failed = [] } = await this.#client.send(command);
      const hopeless = Failed.find(({ SenderFault }) => SenderFault || resends === RESENDS);
      if (hopeless) throw refused(hopeless);
      const failed = new Set(Failed.map(({ Id }) => Id));
      left = left.filter(({ Id }) => failed.has(Id));
    }
  }
}

function entryOf({ body, delaySeconds }: OutgoingJob, index: number): Entry {
  const entry = { Id: String(index), MessageBody: body };
  return delaySeconds ? { ...entry, DelaySeconds: delaySeconds } : entry;
}

/** What the queue and its dead letters have in common. */
class Queue {
  readonly #client: SQSClient;
  readonly #name: string;
  #url: Promise<string> | undefined;
  /** When the job was sent that was received last. */
  #front = new Date(0);

  constructor(client: SQSClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /** Asked for once; again after a failure. */
  async url(): Promise<string> {
    this.#url ??= this.#client.send(new GetQueueUrlCommand({ QueueName: this.#name })).then(
      ({ QueueUrl = '' }) => QueueUrl,
      (error) => {
        this.#url = undefined;
        throw error;
      },
    );
    return this.#url;
  }

  async receive(options: Options, signal?: AbortSignal): Promise<ReceivedJob[]> {
    if (signal?.aborted) return [];
    try {
      return await attempt(undefined, () => this.#receive(options, signal));
    } catch (error) {
      if (signal?.aborted) return [];
      throw error;
    }
  }

  extend(receipt: string, seconds: number): Promise<boolean> {
    return attempt(undefined, async () => {
      const change = { QueueUrl: await this.url(), ReceiptHandle: receipt, VisibilityTimeout: seconds };
      return isCurrent(this.#client.send(new ChangeMessageVisibilityCommand(change)));
    });
  }

  remove(receipt: string): Promise<void> {
    return attempt(undefined, async () => {
      const message = { QueueUrl: await this.url(), ReceiptHandle: receipt };
      await isCurrent(this.#client.send(new DeleteMessageCommand(message)));
    });
  }

  /** At most 10. */
  removeAll(receipts: readonly string[]): Promise<void> {
    return attempt(undefined, async () => {
      const Entries = receipts.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
      const command = new DeleteMessageBatchCommand({ QueueUrl: await this.url(), Entries });
      const { Failed: [failed] = [] } = await this.#client.send(command);
      if (failed) throw refused(failed);
    });
  }

  depth(): Promise<{ ready: number; inFlight: number }> {
    return attempt(undefined, async () => {
      const command = new GetQueueAttributesCommand({
        QueueUrl: await this.url(),
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesDelayed',
          'ApproximateNumberOfMessagesNotVisible',
        ],
      });
      const { Attributes: counts } = await this.#client.send(command);
      const ready = Number(counts?.ApproximateNumberOfMessages ?? 0);
      const hidden = Number(counts?.ApproximateNumberOfMessagesNotVisible ?? 0);
      return { ready, inFlight: hidden + Number(counts?.ApproximateNumberOfMessagesDelayed ?? 0) };
    });
  }

  async front(): Promise<Date | undefined> {
    const { ready, inFlight } = await this.depth();
    return ready + inFlight > 0 ? this.#front : undefined;
  }

  async #receive(options: Options, signal?: AbortSignal): Promise<ReceivedJob[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: await this.url(),
      MaxNumberOfMessages: options.max,
      WaitTimeSeconds: options.waitSeconds,
      VisibilityTimeout: options.visibilitySeconds,
      MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
    });
    const requestTimeout = options.waitSeconds * 1000 + POLL_GRACE_MS;
    const { Messages = [] } = await this.#client.send(command, { ...sending(signal), requestTimeout });
    const received = Messages.map(({ Body = '', ReceiptHandle = '', Attributes }) => ({
      body: Body,
      receipt: ReceiptHandle,
      receives: Number(Attributes?.ApproximateReceiveCount ?? 1),
      sentAt: new Date(Number(Attributes?.SentTimestamp ?? Date.now())),
    }));
    this.#front = received.at(-1)?.sentAt ?? this.#front;
    return received;
  }
}

/** False when SQS says that the receipt of a request is stale. */
async function isCurrent(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (STALE.includes(errorName(error))) return false;
    throw error;
  }
}

function refused({ Code, Message }: BatchResultErrorEntry): Error {
  return new Error(`${Code}: ${Message}`);
}
