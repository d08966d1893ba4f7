export interface Locks {
  /** True when `owner` holds `name` until `seconds` from now; renewing one's own lease succeeds. */
  lease(name: string, owner: string, seconds: number): Promise<boolean>;
  release(name: string, owner: string): Promise<void>;
}

/** How far long work has come, by the name of the work. */
export interface Progress {
  get(name: string): Promise<string | undefined>;
  /** The last write wins. */
  put(name: string, value: string): Promise<void>;
  /**
   * Writes what `change` makes of the value as it stands, with nobody else's write in between; resolves to what was
   * written.
   *
   * @param change  may be called several times; must not throw
   */
  update(name: string, change: (before: string | undefined) => string): Promise<string>;
}
