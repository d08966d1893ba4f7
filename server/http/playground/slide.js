/** Lists that grow at their head: what is there slides to its new place instead of jumping. */

const SLIDE_MS = 250;

const placesOf = (elements) => new Map(elements.map((element) => [element, element.getBoundingClientRect()]));

/**
 * Runs a change and lets what it moved slide from where it was. Nothing is seen to jump, so that a hand which is on its
 * way to a picture does not hit another one at once.
 *
 * @param change  draws before it resolves
 */
export async function sliding(selector, change) {
  const before = placesOf([...document.querySelectorAll(selector)]);
  await change();
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  for (const [element, now] of placesOf([...before.keys()])) {
    const { left, top } = before.get(element);
    const [x, y] = [left - now.left, top - now.top];
    if (x === 0 && y === 0) continue;
    element.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: 'none' }], SLIDE_MS);
  }
}
