// [edge-safe]

/** The quality that an Accept header gives to a media type; undefined when it does not name it. */
function qualityOf(accept: string, type: string): number | undefined {
  const found = accept
    .toLowerCase()
    .split(',')
    .map((range) => range.split(';').map((part) => part.trim()))
    .filter((range) => range[0] === type)[0];
  if (!found) return undefined;
  const weight = found.filter((part) => part.indexOf('q=') === 0)[0];
  const quality = weight ? Number(weight.slice(2)) : 1;
  return quality >= 0 ? quality : 1;
}

/**
 * The value of `fmt` that an Accept header stands for (RFC 9110, 12.5.1; `q=0` is a refusal).
 *
 * AVIF and WebP must be named: a wildcard says nothing of what a client can decode. Whether the picture moves
 * or has alpha is not known here (the edge has only the URL), so the answer may leave that to the render:
 * `auto-avif` is AVIF, or WebP where the picture moves; `auto-base` is GIF where it moves, PNG where it has
 * alpha, JPEG otherwise. Beside a wildcard a refusal of one of these three names one that is left.
 */
export function negotiate(accept: string | undefined): string {
  const header = accept || '*/*';
  const asked = (type: string) => qualityOf(header, 'image/' + type);
  if (asked('avif')) return asked('webp') === 0 ? 'avif' : 'auto-avif';
  if (asked('webp')) return 'webp';
  const any = asked('*') || qualityOf(header, '*/*');
  // PNG first: it alone stands for a picture with alpha and for a photograph.
  const left = ['png', 'jpeg', 'gif'].filter((type) => (any ? asked(type) !== 0 : asked(type)));
  return left.length === 1 || (any && left.length === 2) ? (left[0] as string) : 'auto-base';
}
