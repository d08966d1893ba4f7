import { factList, kilobytes } from './parts.js';

/** What is known of the answer that is shown. */
export function factsView({ result }) {
  if (!result) return factList({});
  const { width, height, bytes, type, ms, headers } = result;
  return factList({
    Size: width ? `${width} × ${height}` : '',
    Bytes: kilobytes(bytes),
    Type: type.replace('image/', ''),
    From: headers.get('x-image-cache'),
    'Round trip': `${ms.toFixed(0)} ms`,
    Warning: headers.get('x-image-warning'),
  });
}
