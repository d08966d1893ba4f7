import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { Logger } from 'pino';
import { post } from './outbound.ts';
import type { ImageRecord, VariantRecord } from './stores/contracts.ts';
import type { Urls } from './urls.ts';
import { statusView } from './views.ts';

/** A receiver that deploys is back by the last one. */
const RETRY_MS = [1000, 5000, 30_000, 120_000] as const;
/** SNS refuses longer subjects. */
const SUBJECT_CHARACTERS = 100;

export interface NotifierOptions {
  readonly urls: Urls;
  readonly topic?: { readonly client: SNSClient; readonly arn: string } | undefined;
  /** HMAC key of webhook calls; without it none is made. */
  readonly webhookSecret: string | undefined;
  readonly allowPrivate: boolean;
  readonly log: Logger;
  /** Unix seconds. */
  readonly now: () => number;
  /** Pauses between tries, ms. */
  readonly retryMs?: readonly number[];
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
  readonly #stopping = new AbortController();

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /**
   * Sends to the topic and the webhook of the image, in the background: nobody's work waits for a slow
   * receiver. Never rejects; what could not be delivered is in the log.
   */
  notifyFinished(record: ImageRecord, variants: readonly VariantRecord[]): void {
    const { urls } = this.#options;
    const body = JSON.stringify({
      event: 'image.finished',
      ...statusView({ record, variants }, urls, urls.base('')),
    });
    this.#track(record.id, 'topic', () => this.#publish(record, body));
    if (record.webhook) this.#track(record.id, 'webhook', () => this.#call(record.webhook ?? '', body));
  }

  /** Resolves when all has been delivered or given up. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /** Gives up what waits for another try. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.settle();
  }

  #track(id: string, channel: string, send: () => Promise<void>): void {
    const { log } = this.#options;
    const done = send()
      .catch((err: unknown) => log.warn({ err, id, channel }, 'notification not delivered'))
      .finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  async #publish(record: ImageRecord, body: string): Promise<void> {
    const { topic } = this.#options;
    if (!topic) return;
    const Subject = `${record.status}: ${record.id}`.slice(0, SUBJECT_CHARACTERS);
    const MessageAttributes = { status: { DataType: 'String', StringValue: record.status } };
    const message = { TopicArn: topic.arn, Message: body, Subject, MessageAttributes };
    await topic.client.send(new PublishCommand(message));
  }

  async #call(target: string, body: string): Promise<void> {
    const { webhookSecret, allowPrivate, now, retryMs = RETRY_MS } = this.#options;
    if (!webhookSecret) return;
    for (let attempt = 0; ; attempt++) {
      const signature = webhookSignature(webhookSecret, body, now());
      try {
        const status = await post(target, body, { 'X-Rendition-Signature': signature }, { allowPrivate });
        if (status >= 200 && status < 300) return;
        throw new Error(`the webhook answered ${status}`);
      } catch (error) {
        const pause = retryMs[attempt];
        if (pause === undefined || this.#stopping.signal.aborted) throw error;
        await sleep(pause, undefined, { signal: this.#stopping.signal });
      }
    }
  }
}
