import t from 'tap';
import { isProblem } from '../../../server/shared/errors.ts';
import { type OperationStep, readOperations } from '../../../server/warming/operations-list.ts';

function refusal(steps: readonly OperationStep[]) {
  try {
    return { canonical: readOperations(steps, {}).canonical };
  } catch (error) {
    if (!isProblem(error)) throw error;
    return { code: error.code, ...error.facts };
  }
}

t.test('says a list of operations as one canonical form', async (t) => {
  for (const [steps, canonical] of [
    [
      [
        { type: 'resize', params: { width: 800, height: 600, fit: 'cover' } },
        { type: 'optimize', params: { quality: 80, format: 'jpeg' } },
      ],
      'fit=cover&fmt=jpeg&h=600&q=80&w=800',
    ],
    [[{ type: 'resize', params: { w: 80, enlarge: true } }, { type: 'gray' }], 'gray=1&up=1&w=80'],
    [
      [
        { type: 'rotate', params: { rotate: 90 } },
        { type: 'blur', params: { blur: 3 } },
      ],
      'blur=3&rot=90',
    ],
    [[{ type: 'encode', params: { lossless: false, fmt: 'webp' } }], 'fmt=webp'],
  ] as const) {
    t.equal(readOperations(steps, {}).canonical, canonical);
  }
});

t.test('refuses what it cannot say, with the step that it fails at', async (t) => {
  const width = (w: number) => ({ type: 'resize', params: { w } });
  for (const [steps, expected] of [
    [
      [{ type: 'optimize', params: { q: 80 } }, width(80)],
      { code: 'conflicting_parameters', param: 'operations[1]', received: 'resize' },
    ],
    [
      [width(80), { type: 'resize', params: { h: 9 } }],
      { code: 'conflicting_parameters', param: 'operations[1]' },
    ],
    [
      [width(80), { type: 'blurr' }],
      { code: 'unknown_parameter', param: 'operations[1].type', hint: 'blur' },
    ],
    [[{ type: 'resize', params: { quality: 8 } }], { param: 'operations[0].params.quality' }],
    [[width(0)], { code: 'invalid_parameter', param: 'operations[0].params.w', received: '0' }],
    [[{ type: 'resize', params: { w: 8, width: 8 } }], { code: 'duplicate_parameter' }],
    [[{ type: 'resize' }], { code: 'invalid_parameter', param: 'operations[0].params' }],
    [[{ type: 'delivery', params: { dl: '1' } }], { code: 'unknown_parameter', received: 'delivery' }],
    [[{ type: '__proto__' }], { code: 'unknown_parameter' }],
  ] as const) {
    t.match(refusal(steps), expected);
  }
});
