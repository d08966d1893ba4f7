import { createHmac } from 'node:crypto';
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { Logger } from 'pino';
import { post } from '../shared/outbound.ts';
import type { ImageRecord, Jobs, Records } from '../stores/contracts.ts';
import { type Channel, Later, type NotifyJob, sendNotify } from '../warming/jobs.ts';
import { currentVersion } from '../warming/queue.ts';
import { statusView } from './serializers.ts';
import type { Urls } from './urls.ts';

/** Pauses between tries; a receiver that deploys is back by the last one. */
const RETRY_SECONDS = [1, 5, 30, 120] as const;
/** SNS refuses longer subjects. */
const SUBJECT_CHARACTERS = 100;

export interface NotifierOptions {
  readonly urls: Urls;
  readonly records: Pick<Records, 'images' | 'variants'>;
  readonly jobs: Jobs;
  readonly topic?: { readonly client: SNSClient; readonly arn: string } | undefined;
  /** HMAC key of webhook calls; without it none is made. */
  readonly webhookSecret: string | undefined;
  readonly allowPrivate: boolean;
  readonly log: Logger;
  /** Unix seconds. */
  readonly now: () => number;
}

/**
 * `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`. A receiver computes the same over the raw body and
 * refuses a `t` that is minutes old, so that a recorded call is of no use.
 */
export function webhookSignature(secret: string, body: string, unixSeconds: number): string {
  const t = Math.floor(unixSeconds);
  return `t=${t},v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`;
}

/** Tells those who asked that an image is finished. */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #pending = new Set<Promise<void>>();

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /**
   * Puts on the queue what is to be told. So nobody's work waits for a slow receiver, and no stop or kill of a
   * process loses it.
   *
   * @throws Problem `store_unavailable`
   */
  async finished(record: ImageRecord): Promise<void> {
    await sendNotify(this.#options.jobs, record.id, this.#channels(record));
  }

  /** The same in the background. Never rejects; what could not be queued is in the log. */
  notifyFinished(record: ImageRecord): void {
    const { log } = this.#options;
    const done = this.finished(record)
      .catch((err: unknown) => log.warn({ err, id: record.id }, 'notification not queued'))
      .finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  /** Resolves when all has been queued. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /**
   * One try. An image that is being worked on again is told of at its next end; what could not be delivered in
   * the last try is in the log.
   *
   * @param receives  how often the message has been received
   * @throws Later  the message is worth another try
   */
  async deliver({ id, channel }: NotifyJob, receives: number): Promise<{ delivered: boolean }> {
    const { records, log } = this.#options;
    const record = await records.images.get(id);
    if (!record || !isFinished(record) || !this.#channels(record).includes(channel))
      return { delivered: false };
    const body = await this.#body(record);
    try {
      await (channel === 'topic' ? this.#publish(record, body) : this.#call(record.webhook ?? '', body));
      return { delivered: true };
    } catch (err) {
      const pause = RETRY_SECONDS[receives - 1];
      if (pause !== undefined) throw new Later(pause, err);
      log.warn({ err, id, channel }, 'notification not delivered');
      return { delivered: false };
    }
  }

  /** Those that are configured, and asked for. */
  #channels({ webhook }: ImageRecord): Channel[] {
    const { topic, webhookSecret } = this.#options;
    return [...(topic ? ['topic' as const] : []), ...(webhook && webhookSecret ? ['webhook' as const] : [])];
  }

  async #body(record: ImageRecord): Promise<string> {
    const { records, urls } = this.#options;
    const current = currentVersion(record);
    // Of an upload that was refused all: they waited for an original that has no version.
    const variants = (await records.variants.list(record.id)).filter(
      ({ version }) => current === undefined || version === current,
    );
    const view = statusView({ record, variants }, urls, urls.base(''));
    return JSON.stringify({ event: 'image.finished', ...view });
  }

  async #publish(record: ImageRecord, body: string): Promise<void> {
    const { topic } = this.#options;
    const Subject = `${record.status}: ${record.id}`.slice(0, SUBJECT_CHARACTERS);
    const MessageAttributes = { status: { DataType: 'String', StringValue: record.status } };
    const message = { TopicArn: topic?.arn, Message: body, Subject, MessageAttributes };
    await topic?.client.send(new PublishCommand(message));
  }

  async #call(target: string, body: string): Promise<void> {
    const { webhookSecret = '', allowPrivate, now } = this.#options;
    const signature = webhookSignature(webhookSecret, body, now());
    const status = await post(target, body, { 'X-Rendition-Signature': signature }, { allowPrivate });
    if (status < 200 || status >= 300) throw new Error(`the webhook answered ${status}`);
  }
}

function isFinished({ status }: ImageRecord): boolean {
  return status === 'completed' || status === 'partial' || status === 'failed';
}
