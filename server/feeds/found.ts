/** A picture as a document names it. */
export interface Found {
  /** As it is written: may be relative to the document. */
  readonly url: string;
  readonly title?: string;
  /** What the document says of its version, such as a date; compared, never read. */
  readonly mark?: string;
}
