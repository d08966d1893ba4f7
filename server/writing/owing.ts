import { randomUUID } from 'node:crypto';
import type { ImageRecord, Owed } from '../stores/contracts.ts';

/** What is added to what an image owes. */
export type Debt = Omit<Owed, 'token'>;

/** What an image owes once `more` is added to it. */
export function owing(before: Owed | undefined, more: Debt): Owed {
  const warm = [...new Set([...(before?.warm ?? []), ...(more.warm ?? [])])];
  const rewarm = before?.rewarm === 'all' ? 'all' : (more.rewarm ?? before?.rewarm);
  return {
    ...before,
    ...more,
    ...(warm.length > 0 && { warm }),
    ...(rewarm && { rewarm }),
    token: randomUUID(),
  };
}

/** What an image owes. Programs of before wrote `uploaded` and owed by it that all is purged and warmed. */
export function owedBy({ owed, status, revision }: ImageRecord): Owed | undefined {
  if (owed || status !== 'uploaded') return owed;
  return { token: `revision ${revision}`, purge: true, rewarm: 'all' };
}

/** Whether it is that debt which an image owes, with nothing added since. */
export function isOwed(record: ImageRecord, owed: Owed): boolean {
  return owedBy(record)?.token === owed.token;
}

/** Whether there is anything to do but to look at the original, which the reconciler does. */
export function isDoable({ token: _token, measure: _measure, ...rest }: Owed): boolean {
  return Object.keys(rest).length > 0;
}
