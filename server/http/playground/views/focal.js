import { setParams } from '../navigation.js';
import { pointText, stepOf } from '../points.js';
import { html } from './html.js';
import { fractionOf, whilePressed } from './pointer.js';

/** A point and a gravity exclude each other. */
const set = (point) => setParams({ fp: pointText(point), g: undefined });

const STEP = 0.01;
const LARGE_STEP = 0.1;

function move(event, point) {
  const step = stepOf(event);
  if (!step) return;
  event.preventDefault();
  const size = event.shiftKey ? LARGE_STEP : STEP;
  set({ x: point.x + step.x * size, y: point.y + step.y * size });
}

const percent = (share) => `${Math.round(share * 100)} %`;

/** @param point  fractions of the upright picture */
export function focalView({ toolSource, id }, point) {
  const place = (event) => set(fractionOf(event));
  return html`<div class="canvas fit">
    <div class="overlay" @pointerdown=${whilePressed(place)}>
      <img src=${toolSource} alt=${`${id}, whole`} draggable="false" />
      <button
        type="button"
        class="point"
        aria-label=${`Focal point, ${percent(point.x)} from the left, ${percent(point.y)} from the top; arrow keys move it`}
        .style=${`left: ${point.x * 100}%; top: ${point.y * 100}%`}
        @keydown=${(event) => move(event, point)}
      ></button>
    </div>
  </div>`;
}
