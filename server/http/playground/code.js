/** The snippet that is shown, kept in step with the picture. */
import { queryOf } from './address.js';
import { api, problemOf } from './api.js';
import { addressesOf, publicBase } from './signing.js';
import { atWidth, queriesOf, widthsOf, write } from './snippets.js';
import { current, patch } from './store.js';

/** The longest side that is served, in px. */
const LARGEST = 8192;

let asked = '';

/** How wide this picture gets at most, as the server plans it: of a larger one it would make the same. */
async function largestWidth(id, params) {
  const { up: _up, ...rest } = params;
  const { w, h } = params;
  const width = w && h ? Math.min(LARGEST, Math.floor((LARGEST * Number(w)) / Number(h))) : LARGEST;
  try {
    const { geometry } = await api.explain(id, queryOf(atWidth(rest, Math.max(1, width))));
    return geometry.result.width;
  } catch {
    return undefined;
  }
}

/** Writes the snippet where what it depends on has changed. */
export async function writeCode() {
  const { id, form, fields, result, code, isReached } = current();
  // What else stands in a link is for nobody's page.
  const params = Object.fromEntries(Object.entries(current().params).filter(([key]) => fields.has(key)));
  const { kind, narrow, wide, from, most } = code;
  const layout = { narrow, wide, from, most };
  const key = JSON.stringify([id, params, kind, layout, result?.width, isReached]);
  if (key === asked) return;
  asked = key;
  const largest = isReached && !form.isPresetsOnly ? await largestWidth(id, params) : undefined;
  const widths = form.isPresetsOnly ? [] : widthsOf(largest, form.allowedWidths);
  const size = result?.width ? { width: result.width, height: result.height } : undefined;
  const input = { id, params, widths, size, layout };
  const queries = queriesOf(kind, input);
  const outcome = await addressesOf(queries.map((query) => [id, query])).then(
    (addresses) => ({ text: write(kind, publicBase(), input, addresses), problem: undefined }),
    (error) => ({ text: '', problem: problemOf(error) }),
  );
  if (key === asked) patch('code', outcome);
}
