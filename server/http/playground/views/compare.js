/** The picture before and after, one over the other, with an edge between them that is dragged. */
import { decoded } from '../picture.js';
import { signedAddress } from '../signing.js';
import { current, update } from '../store.js';
import { factsView } from './facts.js';
import { html, live } from './html.js';

/** What decides where things stand in the picture: without it the two would not lie over each other. */
function geometryOf({ params, width }, form) {
  const size = form.groups.find(({ name }) => name === 'size');
  const kept = size.parameters.map(({ key }) => key).filter((key) => params[key] !== undefined);
  const geometry = Object.fromEntries(kept.map((key) => [key, params[key]]));
  return kept.length === 0 ? { w: String(width) } : geometry;
}

let asked;

/** Of the picture that stands there, not of the one that is on its way. */
async function loadBefore({ result, form }) {
  if (result === asked) return;
  asked = result;
  const query = form.isPresetsOnly ? result.params : { ...geometryOf(result, form), q: '95' };
  const src = await signedAddress(result.id, query).catch(() => result.src);
  await decoded(src);
  if (result === asked) update({ before: { of: result, src } });
}

export function compareView(state) {
  const { before, result, edge = 50, id } = state;
  if (!result?.src) return html`<div class="canvas"></div>`;
  queueMicrotask(() => loadBefore(current()));
  return html`<div class="canvas fit">
      <div class="overlay compare" .style=${`--edge: ${edge}%`}>
        <img
          src=${before?.of === result ? before.src : result.src}
          alt=${`${id}, before`}
          width=${result.width}
          height=${result.height}
        />
        <img class="after" src=${result.src} alt=${`${id}, after`} width=${result.width} height=${result.height} />
        <input
          type="range"
          min="0"
          max="100"
          aria-label="Edge between before and after, in percent from the left"
          .value=${live(String(edge))}
          @input=${({ target }) => update({ edge: Number(target.value) })}
        />
        <span class="edge" aria-hidden="true"></span>
        <span class="tag start" aria-hidden="true">before</span><span class="tag end" aria-hidden="true">after</span>
      </div>
    </div>
    ${factsView(state)}`;
}
