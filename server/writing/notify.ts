import type { SNSClient } from '@aws-sdk/client-sns';
import type { Logger } from 'pino';
import { post } from '../shared/outbound.ts';
import { beginningOf } from '../shared/text.ts';
import { countsOf } from '../stores/change.ts';
import type { ImageRecord } from '../stores/images.ts';
import type { Records } from '../stores/stores.ts';
import { updateWithRetry } from '../stores/update-record.ts';
import { again, type Channel, checkTime, Later, type NotifyJob } from '../warming/jobs.ts';
import { asOfNow, type Lifetime } from '../warming/lifetime.ts';
import { currentVersion, isFinished, VARIANTS_PAGE } from '../warming/queue.ts';
import { statusView } from './serializers.ts';
import type { Urls } from './urls.ts';
import { webhookHeaders } from './webhook-signature.ts';

/** Pauses between tries, 28 hours in all: those that the Standard Webhooks specification shows. */
export const RETRY_SECONDS = [5, 300, 1800, 7200, 18_000, 36_000, 36_000] as const;
/** SNS refuses longer subjects. */
const SUBJECT_CHARACTERS = 100;
/** SNS refuses messages of more than 256 KiB, with their attributes. */
const MESSAGE_BYTES = 256_000;

export interface NotifierOptions {
  readonly urls: Urls;
  readonly lifetime: Lifetime;
  readonly records: Pick<Records, 'images' | 'variants'>;
  readonly topic?: { readonly client: SNSClient; readonly arn: string } | undefined;
  /** Keys of webhook calls, each of which signs; without one no call is made. */
  readonly webhookSecrets: readonly string[];
  readonly allowPrivate: boolean;
  readonly log: Logger;
  /** Unix seconds. */
  readonly now: () => number;
}

/** Where it is told that an image is finished: what is configured, and was asked for. */
export function channelsOf(
  { webhook }: ImageRecord,
  { hasTopic, hasSecret }: { hasTopic: boolean; hasSecret: boolean },
): Channel[] {
  return [...(hasTopic ? ['topic' as const] : []), ...(webhook && hasSecret ? ['webhook' as const] : [])];
}

/** Tells those who asked that an image is finished. */
export class Notifier {
  readonly #options: NotifierOptions;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /**
   * One try. An image that is being worked on again is told of at its next end. What is given up is in the log, and
   * in the record until a later try succeeds.
   *
   * @throws Later  the message is worth another try
   * @throws the reason of the last try: the message becomes a dead letter, which can be sent again
   */
  async deliver(job: NotifyJob): Promise<{ delivered: boolean }> {
    const { records, now } = this.#options;
    const { id, channel } = job;
    checkTime(job, now());
    const record = await records.images.get(id);
    if (!record || !isFinished(record) || !this.channelsOf(record).includes(channel))
      return { delivered: false };
    const body = await (channel === 'topic' ? this.#message(record) : this.#body(record, VARIANTS_PAGE));
    try {
      await (channel === 'topic' ? this.#publish(record, body) : this.#call(record, job.message, body));
    } catch (err) {
      const pause = RETRY_SECONDS[job.tries ?? 0];
      if (pause !== undefined) throw new Later(again(job, pause * (1 + Math.random() / 10), now()), err);
      await this.#note(id, `${channel}: ${err instanceof Error ? err.message : String(err)}`);
      throw err;
    }
    if (record.undelivered !== undefined) await this.#note(id, undefined);
    return { delivered: true };
  }

  channelsOf(record: ImageRecord): Channel[] {
    const { topic, webhookSecrets } = this.#options;
    return channelsOf(record, { hasTopic: topic !== undefined, hasSecret: webhookSecrets.length > 0 });
  }

  async #note(id: string, undelivered: string | undefined): Promise<void> {
    const { records, log } = this.#options;
    if (undelivered !== undefined) log.error({ id, undelivered }, 'notification given up');
    await updateWithRetry(records, id, (record) =>
      record.undelivered === undelivered ? undefined : { undelivered },
    );
  }

  /** With as many variants as it has room for: behind a long id and long queries fewer than a page. */
  async #message(record: ImageRecord): Promise<string> {
    for (let limit = VARIANTS_PAGE; ; limit = Math.ceil(limit / 2)) {
      const body = await this.#body(record, limit);
      if (limit === 1 || Buffer.byteLength(body) <= MESSAGE_BYTES) return body;
    }
  }

  async #body(record: ImageRecord, limit: number): Promise<string> {
    const { records, urls, lifetime, now } = this.#options;
    const time = new Date(now() * 1000);
    const current = currentVersion(record);
    // Of an upload that was refused all: they waited for an original that has no version.
    const { items, next } = await records.variants.page(record.id, { limit });
    const variants = items.filter(({ version }) => current === undefined || version === current);
    const shown = variants.map((one) => asOfNow(one, lifetime, time));
    const counts = countsOf(next === undefined ? items : await records.variants.list(record.id));
    const data = statusView({ record, counts, variants: shown, next }, urls, urls.base(''));
    return JSON.stringify({ type: 'image.finished', timestamp: time.toISOString(), data });
  }

  async #publish(record: ImageRecord, body: string): Promise<void> {
    const { topic } = this.#options;
    const Subject = beginningOf(`${record.status}: ${record.id}`, SUBJECT_CHARACTERS);
    const MessageAttributes = { status: { DataType: 'String', StringValue: record.status } };
    const message = { TopicArn: topic?.arn, Message: body, Subject, MessageAttributes };
    const { PublishCommand } = await import('@aws-sdk/client-sns');
    await topic?.client.send(new PublishCommand(message));
  }

  async #call({ webhook = '' }: ImageRecord, message: string, body: string): Promise<void> {
    const { webhookSecrets, allowPrivate, now } = this.#options;
    const headers = webhookHeaders(webhookSecrets, { id: message, unixSeconds: now(), body });
    const status = await post(webhook, body, headers, { allowPrivate });
    if (status < 200 || status >= 300) throw new Error(`the webhook answered ${status}`);
  }
}
