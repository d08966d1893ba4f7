/** Where in the element that listens a pointer is, in fractions of it. */
export function fractionOf({ currentTarget, clientX, clientY }) {
  const { left, top, width, height } = currentTarget.getBoundingClientRect();
  const inside = (value) => Math.min(1, Math.max(0, value));
  return { x: inside((clientX - left) / width), y: inside((clientY - top) / height) };
}

/** Calls `work` with the event that presses and with each that moves, until the pointer is let go of. */
export function whilePressed(work) {
  return (down) => {
    if (down.button !== 0) return;
    down.preventDefault();
    const target = down.currentTarget;
    const moved = (event) => work({ currentTarget: target, clientX: event.clientX, clientY: event.clientY });
    const end = () => {
      target.removeEventListener('pointermove', moved);
      target.removeEventListener('pointerup', end);
      target.removeEventListener('pointercancel', end);
    };
    target.setPointerCapture(down.pointerId);
    target.addEventListener('pointermove', moved);
    target.addEventListener('pointerup', end);
    target.addEventListener('pointercancel', end);
    moved(down);
  };
}
