import type { Settings } from '../settings.ts';
import type { Aws } from './aws.ts';

/** `look`: may be as it should; `bad`: somebody has to do something. */
export type Verdict = 'good' | 'look' | 'bad';

export interface Finding {
  readonly verdict: Verdict;
  /** What is so, and where it is not good what to do. */
  readonly text: string;
}

/** What every check is handed. */
export interface Patient {
  /** In the region of the stage. */
  readonly aws: Aws;
  /** In us-east-1, where CloudFront is at home. */
  readonly global: Aws;
  readonly stage: string;
  /** `rendition-<stage>`. */
  readonly prefix: string;
  readonly account: string;
  readonly settings: Settings;
  /** Unix ms. */
  readonly now: number;
}

export const good = (text: string): Finding => ({ verdict: 'good', text });
export const look = (text: string): Finding => ({ verdict: 'look', text });
export const bad = (text: string): Finding => ({ verdict: 'bad', text });

export const unread = (what: string): Finding => bad(`${what} is not there, or not ours to read`);
