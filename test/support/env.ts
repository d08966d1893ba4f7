import { createHash } from 'node:crypto';

/** A token with scope write, and the setting that accepts it: for what does not start beside an open API. */
export const TOKEN = 'a-token-of-the-tests';
export const API_TOKENS = `tests=write:${createHash('sha256').update(TOKEN).digest('hex')}`;
export const AUTHORIZED = { authorization: `Bearer ${TOKEN}` } as const;

/**
 * Times of a program in a test, unless the test is about one of them: on a machine that does much else everything
 * takes many times as long, and nothing is wrong with it.
 */
export const PATIENT: Readonly<Record<string, string>> = {
  DEADLINE_MS: '300000',
  QUEUE_MS: '60000',
  SVG_MS: '60000',
  LOOKUP_MS: '60000',
  STOP_MS: '300000',
  // Below the priority of this machine's other work a render would wait for all of it.
  RENDER_NICE: '0',
  WARMER_NICE: '0',
};

/** Of a program in a process of its own: each render process more takes it four tenths of a second to start. */
export const SINGLE: Readonly<Record<string, string>> = { RENDER_SLOTS: '1', WARM_SLOTS: '1' };
