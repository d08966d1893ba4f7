/** What a request was answered: told again to a client that did not hear it. */
export interface KeptAnswer {
  /** Digest of what was asked for. */
  readonly request: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A try of a request that came under a key. */
export interface Attempt {
  /** Of this try, and of no other. */
  readonly owner: string;
  /** That of the first try is kept: what the request makes is called after it, so that a later try makes the same. */
  readonly seed: string;
  /** Nobody else may try meanwhile; taking the key again moves it on. */
  readonly holdSeconds: number;
  /** How long anything is known of the key. */
  readonly keepSeconds: number;
}

/** How a key stands for whoever would take it. */
export type Standing =
  | { readonly state: 'answered'; readonly answer: KeptAnswer }
  /** Somebody else is at it. */
  | { readonly state: 'held' }
  | { readonly state: 'taken'; readonly seed: string };

/** Requests by the key that their client gave them, so that one that is sent twice is done once. */
export interface Answers {
  /** Of several at once one gets the key. */
  take(key: string, attempt: Attempt): Promise<Standing>;
  /** False when the key is another owner's by now, and nothing is kept. */
  keep(key: string, owner: string, answer: KeptAnswer, seconds: number): Promise<boolean>;
  /** Lets others try; of a key that has an answer, or another owner, nothing changes. */
  release(key: string, owner: string): Promise<void>;
}
