/** Which names of headers, cookies or query parameters take part. */
export interface Names {
  readonly rule: 'none' | 'all' | 'only' | 'except';
  readonly names: readonly string[];
}

export interface CachePolicy {
  /** Seconds. */
  readonly minTtl: number;
  readonly defaultTtl: number;
  readonly maxTtl: number;
  readonly headers: Names;
  readonly queries: Names;
  readonly gzip: boolean;
  readonly brotli: boolean;
}

export interface OriginRequestPolicy {
  readonly headers: Names;
  readonly queries: Names;
}

/** Header of a response headers policy; CORS headers go to requests with an Origin alone. */
export interface PolicyHeader {
  readonly name: string;
  readonly value: string;
  readonly overrides: boolean;
  readonly isCors: boolean;
}

export interface Behaviour {
  readonly pattern: string;
  readonly allowedMethods: readonly string[];
  readonly cachedMethods: readonly string[];
  readonly compress: boolean;
  readonly cache: CachePolicy;
  readonly forward: OriginRequestPolicy | undefined;
  readonly headers: readonly PolicyHeader[];
  /** Code of the function at the viewer's request. */
  readonly viewerCode: string | undefined;
  /** An origin or a group. */
  readonly target: string;
}

export interface Origin {
  readonly id: string;
  readonly isBucket: boolean;
  readonly domain: string;
  readonly customHeaders: Readonly<Record<string, string>>;
  readonly connectionAttempts: number;
  readonly connectionSeconds: number;
  readonly readSeconds: number;
}

export interface Group {
  readonly statusCodes: readonly number[];
  readonly members: readonly [primary: string, secondary: string];
}

export interface ErrorResponse {
  readonly minSeconds: number;
  readonly page: { readonly path: string; readonly status: number } | undefined;
}

export interface Distribution {
  /** In the order in which they are tried; the default is last. */
  readonly behaviours: readonly Behaviour[];
  readonly origins: ReadonlyMap<string, Origin>;
  readonly groups: ReadonlyMap<string, Group>;
  readonly errors: ReadonlyMap<number, ErrorResponse>;
  /** The KeyValueStore of the functions. */
  readonly values: Readonly<Record<string, string>>;
}
