import type { Size, Step } from '../operations/operation.ts';

export interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

/** One of the eight ways to lay a rectangle: mirrored left to right or not, then turned clockwise. */
export interface Turn {
  readonly flop: boolean;
  readonly angle: 0 | 90 | 180 | 270;
}

export const UPRIGHT: Turn = { flop: false, angle: 0 };

/** What makes a stored picture upright, by EXIF orientation 1-8 (CIPA DC-008, 4.6.4 Orientation). */
const ORIENTATIONS: readonly Turn[] = [
  UPRIGHT,
  { flop: true, angle: 0 },
  { flop: false, angle: 180 },
  { flop: true, angle: 180 },
  { flop: true, angle: 270 },
  { flop: false, angle: 90 },
  { flop: true, angle: 90 },
  { flop: false, angle: 270 },
];

export const turnOfOrientation = (orientation: number): Turn => ORIENTATIONS[orientation - 1] ?? UPRIGHT;

/** Degrees as one of the four quarters. */
export const angle = (degrees: number): Turn['angle'] => (((degrees % 360) + 360) % 360) as Turn['angle'];

/** `first`, then `second`: a mirror passes through a turn by reversing it. */
export function compose(first: Turn, second: Turn): Turn {
  const before = second.flop ? -first.angle : first.angle;
  return { flop: first.flop !== second.flop, angle: angle(before + second.angle) };
}

export const inverse = (turn: Turn): Turn => ({
  flop: turn.flop,
  angle: angle(turn.flop ? turn.angle : -turn.angle),
});

export function turnSize({ width, height }: Size, turn: Turn): Size {
  return turn.angle % 180 ? { width: height, height: width } : { width, height };
}

/** Where `box`, a part of a frame of `frame` px, lies after the frame was turned. */
export function turnBox(box: Box, frame: Size, turn: Turn): Box {
  const left = turn.flop ? frame.width - box.left - box.width : box.left;
  const right = frame.width - left - box.width;
  const bottom = frame.height - box.top - box.height;
  const { width, height } = turnSize(box, turn);
  switch (turn.angle) {
    case 90:
      return { left: bottom, top: left, width, height };
    case 180:
      return { left: right, top: bottom, width, height };
    case 270:
      return { left: box.top, top: right, width, height };
    default:
      return { left, top: box.top, width, height };
  }
}

/** A turn as steps of a pipeline. */
export function turnSteps(turn: Turn): Step[] {
  const steps: Step[] = [];
  if (turn.flop) steps.push({ kind: 'turn', name: 'mirror', slot: 'flip', apply: (image) => image.flop() });
  if (turn.angle) {
    steps.push({
      kind: 'turn',
      name: `turn by ${turn.angle}`,
      slot: 'turn',
      apply: (image) => image.rotate(turn.angle),
      resized: (size) => turnSize(size, { flop: false, angle: turn.angle }),
    });
  }
  return steps;
}
