import { setParams } from '../navigation.js';
import { fitRectangle, readRectangle, rectangleBetween, rectangleText, stepOf } from '../points.js';
import { html, live } from './html.js';
import { fractionOf, whilePressed } from './pointer.js';

const WHOLE = { left: 0, top: 0, width: 1, height: 1 };
const STEP = 0.01;

const set = (rectangle) => setParams({ rect: rectangleText(fitRectangle(rectangle)) });

/** Drawn anew from where the pointer went down. */
function draw() {
  let from;
  return whilePressed((event) => {
    const point = fractionOf(event);
    from ??= point;
    if (Math.abs(point.x - from.x) + Math.abs(point.y - from.y) > 2 * STEP)
      set(rectangleBetween(from, point));
  });
}

/** Arrows move it, with Shift they change its size. */
function move(event, { left, top, width, height }) {
  const step = stepOf(event);
  if (!step) return;
  event.preventDefault();
  const [x, y] = [step.x * STEP, step.y * STEP];
  set(
    event.shiftKey
      ? { left, top, width: width + x, height: height + y }
      : { left: left + x, top: top + y, width, height },
  );
}

const SIDES = [
  ['left', 'Left'],
  ['top', 'Top'],
  ['width', 'Width'],
  ['height', 'Height'],
];

const percent = (share) => String(Math.round(share * 1000) / 10);

function numbersView(rectangle) {
  return html`<div class="row wrap sides">
    ${SIDES.map(
      ([name, title]) =>
        html`<label
          >${title}
          <input
            type="number"
            min="0"
            max="100"
            step="0.1"
            .value=${live(percent(rectangle[name]))}
            @change=${({ target }) => set({ ...rectangle, [name]: Number(target.value) / 100 })}
          />%</label
        >`,
    )}
    <button type="button" @click=${() => set(WHOLE)}>Whole picture</button>
  </div>`;
}

export function cropView({ params, image, toolSource, id }) {
  const rectangle = readRectangle(params.rect, image?.original) ?? WHOLE;
  const { left, top, width, height } = rectangle;
  const words = SIDES.map(([name, title]) => `${title.toLowerCase()} ${percent(rectangle[name])} %`).join(
    ', ',
  );
  return html`<div class="canvas fit">
      <div class="overlay" @pointerdown=${draw()}>
        <img src=${toolSource} alt=${`${id}, whole`} draggable="false" />
        <button
          type="button"
          class="rectangle"
          aria-label=${`Crop: ${words}; arrow keys move it, with Shift they change its size`}
          .style=${`left: ${left * 100}%; top: ${top * 100}%; width: ${width * 100}%; height: ${height * 100}%`}
          @keydown=${(event) => move(event, rectangle)}
        ></button>
      </div>
    </div>
    <p class="quiet">Draw a rectangle, use the arrow keys (with Shift they change its size), or type.</p>
    ${numbersView(rectangle)}`;
}
