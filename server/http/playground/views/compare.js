/** The picture before and after, one over the other, with an edge between them that is dragged. */
import { signedAddress } from '../signing.js';
import { current, update } from '../store.js';
import { factsView } from './facts.js';
import { html, live } from './html.js';

/** What decides where things stand in the picture: without it the two would not lie over each other. */
function beforeParams({ params, form, result }) {
  const size = form.groups.find(({ name }) => name === 'size');
  const kept = size.parameters.map(({ key }) => key).filter((key) => params[key] !== undefined);
  const geometry = Object.fromEntries(kept.map((key) => [key, params[key]]));
  return { ...geometry, ...(kept.length === 0 && result?.width ? { w: String(result.width) } : {}), q: '95' };
}

let asked = '';

async function load(state) {
  const key = JSON.stringify([state.id, state.params]);
  if (key === asked) return;
  asked = key;
  const { form, params } = state;
  const before = form.isPresetsOnly ? params : beforeParams(state);
  const src = await signedAddress(state.id, before).catch(() => undefined);
  if (key === asked) update({ before: src });
}

export function compareView(state) {
  load(state);
  const { before, result, edge = 50, id } = current();
  if (!result?.src) return html`<div class="canvas"></div>`;
  return html`<div class="canvas fit">
      <div class="overlay compare" .style=${`--edge: ${edge}%`}>
        <img src=${before ?? result.src} alt=${`${id}, before`} width=${result.width} height=${result.height} />
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
