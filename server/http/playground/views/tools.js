/** What is set on the picture itself: the point that every crop keeps, and the part that is cut out. */
import { api, problemOf } from '../api.js';
import { setParams } from '../navigation.js';
import { decoded } from '../picture.js';
import { pointText, readPoint } from '../points.js';
import { signedAddress } from '../signing.js';
import { current, say, update } from '../store.js';
import { cropView } from './crop.js';
import { focalView } from './focal.js';
import { html, nothing } from './html.js';
import { icon, problemView } from './parts.js';

/** The upright original, as large as a stage is. */
const BASE = { w: '1200', q: '80' };

async function open(tool) {
  if (current().tool === tool) return update({ tool: undefined });
  const { id } = current();
  const src = await signedAddress(id, BASE).catch(() => undefined);
  // So that it has its size when it is shown.
  await decoded(src ?? '');
  return update({ tool, toolSource: src, zoom: 'fit', saved: undefined });
}

export function toolBar({ tool, form }) {
  if (form.isPresetsOnly || form.allowedWidths.length > 0) return nothing;
  const button = (name, title, picture) =>
    html`<button type="button" aria-pressed=${String(tool === name)} @click=${() => open(name)}>
      ${icon(picture)}${title}
    </button>`;
  return html`${button('focal', 'Focal point', 'target')}${button('crop', 'Crop', 'crop')}`;
}

const hasCrop = ({ w, h, fit, ar }) => (w && h && fit === 'cover') || Boolean(ar);

/** So that there is something to see of a focal point. */
const makeSquare = () => setParams({ ar: '1:1', h: undefined, fit: undefined });

async function store(point) {
  const { id } = current();
  try {
    const image = await api.edit(id, { focal: point });
    if (current().id === id) update({ image, saved: { title: 'Saved', detail: '' } });
    setParams({ fp: undefined });
    say('Focal point saved with the picture.');
  } catch (error) {
    update({ saved: problemOf(error) });
  }
}

function focalTool(state) {
  const { params, image, saved } = state;
  const point = readPoint(params.fp) ?? image?.focal ?? { x: 0.5, y: 0.5 };
  return html`${focalView(state, point)}
    <div class="row wrap tool">
      <p class="quiet">
        Click, drag, or use the arrow keys. ${hasCrop(params) ? nothing : 'It shows once the picture is cropped.'}
      </p>
      ${hasCrop(params) ? nothing : html`<button type="button" @click=${makeSquare}>Crop to a square</button>`}
      ${
        image
          ? html`<button type="button" class="main" @click=${() => store(point)}>Save with the picture</button>
              ${image.focal ? html`<button type="button" @click=${() => store(null)}>Forget the saved one</button>` : nothing}`
          : nothing
      }
      ${saved?.detail ? problemView(saved) : saved ? html`<span class="done">${icon('check')}Saved.</span>` : nothing}
      <code>${pointText(point)}</code>
    </div>`;
}

export const toolView = (state) => (state.tool === 'focal' ? focalTool(state) : cropView(state));
