/** What the function uses of CloudFront's JavaScript runtime 2.0. */
declare module 'cloudfront' {
  interface KeyValueStore {
    exists(key: string): Promise<boolean>;
    /** Rejects when there is no such key. */
    get(key: string): Promise<string>;
  }
  const cf: {
    /** The store that is associated with the function. */
    kvs(): KeyValueStore;
    /** Asks this origin of the distribution alone. */
    selectRequestOriginById(id: string): void;
  };
  export default cf;
}
