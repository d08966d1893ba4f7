/** Faults that are kept; more say nothing more. */
const MAX_FAULTS = 40;

/** What clients were promised, and what they were told. */
export class Ledger {
  /** Answers by status. */
  readonly answers = new Map<number, number>();
  readonly faults: string[] = [];
  /** Pictures that were accepted and not removed, with the MD5 of their bytes. */
  readonly accepted = new Map<string, string>();
  readonly removed = new Set<string>();

  count(status: number): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
  }

  fault(text: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push(text);
  }

  accept(id: string, md5: string): void {
    this.accepted.set(id, md5);
  }

  remove(id: string): void {
    this.accepted.delete(id);
    this.removed.add(id);
  }
}
