import { setParams } from '../navigation.js';
import { fitRectangle, readRectangle, rectangleBetween, rectangleText, stepOf } from '../points.js';
import { html } from './html.js';
import { typed } from './parts.js';
import { fractionOf, whilePressed } from './pointer.js';

const WHOLE = { left: 0, top: 0, width: 1, height: 1 };
const STEP = 0.01;

const set = (rectangle) => setParams({ rect: rectangleText(fitRectangle(rectangle)) });

/** A finger does not hit a corner to the pixel. */
const CORNER_PX = 22;

/** The corner across from the one that was touched; undefined where none was. */
function oppositeCorner({ left, top, width, height }, point, box) {
  const xs = [left, left + width];
  const ys = [top, top + height];
  const isNear = (a, b, size) => Math.abs(a - b) * size < CORNER_PX;
  const x = xs.findIndex((edge) => isNear(edge, point.x, box.width));
  const y = ys.findIndex((edge) => isNear(edge, point.y, box.height));
  return x < 0 || y < 0 ? undefined : { x: xs[1 - x], y: ys[1 - y] };
}

const isInside = ({ left, top, width, height }, { x, y }) =>
  x > left && x < left + width && y > top && y < top + height;

/**
 * What a drag does: a corner changes the rectangle, its inside moves it, and anywhere else a new one is drawn.
 *
 * @param from  where the pointer went down
 */
function dragOf(rectangle, from, box) {
  const fixed = oppositeCorner(rectangle, from, box);
  if (fixed) return (point) => rectangleBetween(fixed, point);
  if (rectangle.width < 1 && isInside(rectangle, from))
    return ({ x, y }) => ({
      ...rectangle,
      left: rectangle.left + x - from.x,
      top: rectangle.top + y - from.y,
    });
  return (point) => rectangleBetween(from, point);
}

function drag(rectangle) {
  let from;
  let change;
  return whilePressed((event) => {
    const point = fractionOf(event);
    from ??= point;
    change ??= dragOf(rectangle, from, event.currentTarget.getBoundingClientRect());
    if (Math.abs(point.x - from.x) + Math.abs(point.y - from.y) > STEP) set(change(point));
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
            id=${`crop-${name}`}
            type="number"
            min="0"
            max="100"
            step="0.1"
            .value=${typed(`crop-${name}`, percent(rectangle[name]))}
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
      <div class="overlay" @pointerdown=${drag(rectangle)}>
        <img src=${toolSource} alt=${`${id}, whole`} draggable="false" />
        <button
          type="button"
          class="rectangle"
          aria-label=${`Crop: ${words}; arrow keys move it, with Shift they change its size`}
          .style=${`left: ${left * 100}%; top: ${top * 100}%; width: ${width * 100}%; height: ${height * 100}%`}
          @keydown=${(event) => move(event, rectangle)}
        ><i></i><i></i><i></i><i></i></button>
      </div>
    </div>
    <p class="quiet">Draw a rectangle, drag it or its corners, use the arrow keys (with Shift they change its size), or type.</p>
    ${numbersView(rectangle)}`;
}
