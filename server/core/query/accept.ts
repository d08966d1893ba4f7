// [edge-safe]

/**
 * Media type and weight of one member (RFC 9110, 12.4.2 and 12.5.1); a malformed weight leaves nothing to match. No two
 * parts can take the same characters: with blanks in two of them, ten parameters took a CPU for good.
 */
const MEMBER =
  /^\s*([^;\s]+)\s*(?:;(?!\s*q\s*(?:=|;|$))[^;]*)*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?:;.*)?)?$/;

/** Weights by media type, each where it stands first. */
function readWeights(accept: string): Record<string, number | undefined> {
  const weights: Record<string, number | undefined> = {};
  accept
    .toLowerCase()
    .split(',')
    .forEach((member) => {
      const parts = MEMBER.exec(member);
      const type = parts ? '$' + parts[1] : '';
      if (parts && weights[type] === undefined) weights[type] = Number(parts[2] || 1);
    });
  return weights;
}

/**
 * The value of `fmt` that an Accept header stands for.
 *
 * AVIF and WebP must be named: a wildcard says nothing of what a client can decode. The greatest weight wins, and
 * where weights are equal the smaller file. Whether the picture moves or has alpha is not known here (the edge has only
 * the URL), so the answer may leave that to the render: `auto-avif` is AVIF, or WebP where the picture moves;
 * `auto-base` is GIF where it moves, PNG where it has alpha, JPEG otherwise. Each is said only to who takes all of them.
 * NEGOTIATED lists all answers.
 */
export function negotiate(accept: string | undefined): string {
  const weights = readWeights(accept || '');
  const any = weights['$image/*'] === undefined ? weights['$*/*'] : weights['$image/*'];
  const weigh = (type: string, unnamed: number | undefined) => {
    const weight = weights['$image/' + type];
    return (weight === undefined ? unnamed : weight) || 0;
  };
  const avif = weigh('avif', 0);
  const webp = weigh('webp', 0);
  // PNG first: it alone stands for a picture with alpha and for a photograph.
  const base = ['png', 'jpeg', 'gif'];
  const best = base.reduce((a, b) => (weigh(b, any) > weigh(a, any) ? b : a));
  const most = weigh(best, any);
  if (avif && avif >= webp && avif >= most) return webp ? 'auto-avif' : 'avif';
  if (webp && webp >= most) return 'webp';
  // Half as good is still good: old browsers weigh PNG 1 and all other pictures 0.8, and take a JPEG gladly.
  return base.every((type) => weigh(type, any) >= most / 2) ? 'auto-base' : best;
}

/** Every answer of negotiate. */
export const NEGOTIATED = ['auto-avif', 'avif', 'webp', 'auto-base', 'png', 'jpeg', 'gif'] as const;
