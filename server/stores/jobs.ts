export interface ReceivedJob {
  /** JSON text as it was sent; also S3 event notifications, which arrive on the same queue. */
  body: string;
  /** Names this delivery; of no use after the visibility ran out and somebody else received it. */
  receipt: string;
  /** 1 on first delivery. */
  receives: number;
  /** When it was sent, or sent again by a redrive; to the ms, by the clock of the queue. */
  sentAt: Date;
}

export interface OutgoingJob {
  /** At most 256 KiB. */
  body: string;
  /**
   * What the job is about. Where one with the same key waits and was never received, a queue may leave the new one
   * out: SQLite does, a standard queue of SQS cannot tell and delivers both.
   */
  key?: string;
  /** Nobody receives it before; 0-900, 0 when not given. */
  delaySeconds?: number;
}

export interface Jobs {
  /** Resolves once durable; when it rejects, some may have been sent. */
  send(jobs: readonly (string | OutgoingJob)[]): Promise<void>;
  /**
   * Up to `max` (1-10) messages, hidden from others for `visibilitySeconds`. Waits up to `waitSeconds` (0-20)
   * for the first; [] when none came or the signal ended the wait. A message received more than the queue's
   * `maxReceives` times goes to the dead letters instead.
   */
  receive(
    options: { max: number; waitSeconds: number; visibilitySeconds: number },
    signal?: AbortSignal,
  ): Promise<ReceivedJob[]>;
  /** Hides it for `seconds` from now (0: give it back at once). False for a stale receipt, which SQS may miss. */
  extend(receipt: string, seconds: number): Promise<boolean>;
  /** Done: the message never comes back. A stale receipt is not an error. */
  remove(receipt: string): Promise<void>;
  /** Approximate on SQS. */
  depth(): Promise<{ ready: number; inFlight: number; dead: number }>;
  /**
   * When the oldest job was sent that waits, is delayed or is worked on; undefined when there is none. SQS does not
   * say: there it is the time of what was received last, and 1970 before anything was.
   */
  oldestSentAt(): Promise<Date | undefined>;
  /** The same operations on the dead letters; receiving from it counts nothing and moves nothing. */
  deadLetters: Pick<Jobs, 'receive' | 'extend' | 'remove'>;
  /** Moves dead letters back to the queue, on SQLite oldest first; resolves to how many. */
  redrive(max: number): Promise<number>;
  ping(): Promise<void>;
}
