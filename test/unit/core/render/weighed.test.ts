import t from 'tap';
import { BLUE, LUMA, RED, weighed } from '../../../../server/core/render/weighed.ts';

t.test(
  'white is as light as can be and without colour, and what lies behind the last pixel is black',
  (t) => {
    const data = Uint8Array.from([255, 255, 255]);
    for (const [weights, white] of [
      [LUMA, 255],
      [BLUE, 0],
      [RED, 0],
    ] as const) {
      const plane = { weights, scale: 1 } as const;
      t.ok(Math.abs(weighed(plane, data, 0) - white) < 1e-9, `${weights}`);
      t.equal(weighed(plane, data, 3), 0);
    }
    t.end();
  },
);
