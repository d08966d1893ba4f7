import { randomUUID } from 'node:crypto';
import { withRequested } from '../stores/change.ts';
import type { ImageRecord, Owed } from '../stores/images.ts';
import type { Requested } from '../stores/variants.ts';

/** What is added to what an image owes. */
export type Debt = Omit<Owed, 'token'>;

/** What an image owes once `more` is added to it. */
export function owing(before: Owed | undefined, more: Debt): Owed {
  // Of what is asked for and taken back, the last word holds.
  const warm = joined(without(before?.warm, more.forget), more.warm);
  const forget = joined(without(before?.forget, more.warm), more.forget);
  const rewarm = before?.rewarm === 'all' ? 'all' : (more.rewarm ?? before?.rewarm);
  const requested = requestedOf(warm, before?.requested, more.requested);
  const { warm: _warm, forget: _forget, requested: _requested, ...rest } = { ...before, ...more };
  return {
    ...rest,
    // An empty one as well: of an upload without variants it says that the status is to be made out.
    ...((before?.warm ?? more.warm) && { warm }),
    ...(Object.keys(requested).length > 0 && { requested }),
    ...(forget.length > 0 && { forget }),
    ...(rewarm && { rewarm }),
    token: randomUUID(),
  };
}

/** The texts of these forms. */
function requestedOf(forms: readonly string[], before: Requested = {}, more: Requested = {}): Requested {
  return Object.fromEntries(
    forms.flatMap((form) => {
      const texts = withRequested(before[form], more[form]);
      return texts ? [[form, texts]] : [];
    }),
  );
}

const without = (names: readonly string[] = [], others: readonly string[] = []): string[] =>
  names.filter((name) => !others.includes(name));
const joined = (names: readonly string[], more: readonly string[] = []): string[] => [
  ...new Set([...names, ...more]),
];

/** What an image owes. Programs of before wrote `uploaded` and owed by it that all is purged and warmed. */
export function owedBy({ owed, status, revision }: ImageRecord): Owed | undefined {
  if (owed || status !== 'uploaded') return owed;
  return { token: `revision ${revision}`, purge: true, rewarm: 'all' };
}

/** Whether it is that debt which an image owes, with nothing added since. */
export function isOwed(record: ImageRecord, owed: Owed): boolean {
  return owedBy(record)?.token === owed.token;
}

/** Whether there is anything to do but to look at the original or to fetch it, which others do. */
export function isDoable({
  token: _token,
  measure: _measure,
  fetch: _fetch,
  requested: _requested,
  ...rest
}: Owed): boolean {
  return Object.keys(rest).length > 0;
}

/** What is owed once these parts of it are done; undefined for nothing. */
export function withoutDebt(owed: Owed | undefined, ...done: readonly (keyof Debt)[]): Owed | undefined {
  if (!owed) return undefined;
  const { token, ...debt } = owed;
  const rest = Object.entries(debt).filter(([name]) => !done.some((part) => part === name));
  return rest.length > 0 ? { token, ...Object.fromEntries(rest) } : undefined;
}
