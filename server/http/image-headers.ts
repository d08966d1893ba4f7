import type { Config } from '../config/settings.ts';
import type { Tier, Timings } from '../reading/answer.ts';
import type { ResultFacts } from '../reading/result.ts';

/** Header names and values in the order in which they are sent. */
export type Headers = Record<string, string | number>;

/** What a page of another origin may read beside what the Fetch standard lets it (4.9, safelisted names). */
const EXPOSED = [
  ...['Content-Disposition', 'ETag', 'Retry-After', 'Server-Timing'],
  ...['X-Image-Cache', 'X-Image-Height', 'X-Image-Warning', 'X-Image-Width', 'X-Request-Id'],
].join(', ');

/** On every answer of `/img`, errors too. */
export const COMMON_HEADERS: Headers = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': EXPOSED,
  'Timing-Allow-Origin': '*',
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; sandbox",
};

export type CacheSettings = Pick<Config, 'maxAgeSeconds' | 'staleSeconds'>;

const YEAR_SECONDS = 31_536_000;
/** How long a picture that was made in haste may stand in for what was asked for. */
export const DEGRADED_SECONDS = 30;

/**
 * The version as pages say it in `v`: short, and of URL-safe characters.
 *
 * @param version  of an original: ETag, and `.n` after purges
 */
export function publicVersion(version: string): string {
  const [etag = '', generation] = version.split('.');
  return etag.replace(/[^A-Za-z0-9-]/g, '').slice(0, 16) + (generation ? `_${generation}` : '');
}

/**
 * @param url      v and exp of the URL
 * @param version  of the original
 * @param now      unix seconds
 */
export function cacheControl(
  url: Readonly<Record<string, string>>,
  version: string,
  settings: CacheSettings,
  now: number,
): string {
  const left = url['exp'] === undefined ? YEAR_SECONDS : Math.max(0, Number(url['exp']) - Math.floor(now));
  if (url['v'] !== undefined && url['v'] === publicVersion(version)) {
    return `public, max-age=${Math.min(YEAR_SECONDS, left)}, immutable`;
  }
  const fresh = Math.min(settings.maxAgeSeconds, left);
  // What has ended may not be served stale either.
  if (url['exp'] !== undefined) return `public, max-age=${fresh}`;
  const stale = settings.staleSeconds;
  return `public, max-age=${fresh}, stale-while-revalidate=${stale}, stale-if-error=${stale * 7}`;
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/avif': 'avif',
  'image/webp': 'webp',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/gif': 'gif',
};

/** Of a file that was an image before, or calls itself one. */
const IMAGE_EXTENSION = /\.(avif|webp|jpe?g|jfif|jxl|png|apng|gif|svg|tiff?|heic|heif|bmp|ico|txt)$/i;

/** `photo%E2%80%AEgpj.exe` is shown as `photoexe.jpg`; control characters and line separators are no names either. */
const withoutDirections = (name: string): string =>
  name.replace(/[\p{Bidi_Control}\p{Cc}\p{Zl}\p{Zp}]/gu, '');

/** RFC 6266; the extension is that of the bytes, whatever was asked for. The name is sent in both forms, since old clients read only the plain one. */
export function contentDisposition(dl: string, id: string, contentType: string): string {
  const written = withoutDirections(dl === '1' ? (id.split('/').at(-1) ?? id) : dl);
  // Of an id whatever looks like an extension goes; a written name may have a dot of its own.
  const stem = written.replace(dl === '1' ? /\.[A-Za-z0-9]+$/ : IMAGE_EXTENSION, '') || 'image';
  const name = `${stem}.${EXTENSIONS[contentType] ?? 'txt'}`;
  const plain = name.replace(/[^\x20-\x7e]|["\\]/g, '_');
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

export function serverTiming(timings: Timings): string {
  return Object.entries(timings)
    .map(([stage, ms]) => `${stage};dur=${ms.toFixed(1)}`)
    .join(', ');
}

function freshness(
  { isDegraded, lastModified, version }: ResultFacts,
  url: Readonly<Record<string, string>>,
  { settings, now }: { settings: CacheSettings; now: number },
): Headers {
  if (!isDegraded)
    return {
      'Last-Modified': lastModified.toUTCString(),
      'Cache-Control': cacheControl(url, version, settings, now),
    };
  // No date: what is asked for may be made within the same second, and would be told to be unchanged.
  const left =
    url['exp'] === undefined ? DEGRADED_SECONDS : Math.max(0, Number(url['exp']) - Math.floor(now));
  return { 'Cache-Control': `public, max-age=${Math.min(DEGRADED_SECONDS, settings.maxAgeSeconds, left)}` };
}

/** Headers of a 200 or 304 that are the same for every request of one URL, as long as the result is. */
export function resultHeaders(
  facts: ResultFacts,
  url: Readonly<Record<string, string>>,
  options: { negotiated: boolean; settings: CacheSettings; now: number },
): Headers {
  const { width, height, warnings } = facts;
  return {
    'Content-Type': facts.contentType,
    'Content-Length': facts.size,
    ETag: `"${facts.etag}"`,
    ...freshness(facts, url, options),
    ...(options.negotiated ? { Vary: 'Accept' } : {}),
    ...(url['dl']
      ? { 'Content-Disposition': contentDisposition(url['dl'], facts.id, facts.contentType) }
      : {}),
    ...COMMON_HEADERS,
    ...(width && height ? { 'X-Image-Width': width, 'X-Image-Height': height } : {}),
    ...(warnings.length ? { 'X-Image-Warning': warnings.join(', ') } : {}),
  };
}

export function tierHeaders(tier: Tier, timings: Timings, requestId: string): Headers {
  const timing = serverTiming(timings);
  return { 'X-Image-Cache': tier, ...(timing ? { 'Server-Timing': timing } : {}), 'X-Request-Id': requestId };
}
