export interface Page<T> {
  items: T[];
  /** Opaque; hand it back to go on. */
  next?: string;
}
