import t from 'tap';
import { RULES } from '../../../../server/core/operations/table.ts';
import { nearest } from '../../../../server/core/query/nearest.ts';

const NAMES = RULES.flatMap(({ key, aliases = [] }) => [key, ...aliases]);

t.test('finds the name that was meant', async (t) => {
  const meant: Record<string, string> = {
    widht: 'width',
    heigth: 'height',
    qualty: 'quality',
    foramt: 'format',
    W: 'w',
    sharpn: 'sharpen',
    backgroud: 'background',
    radus: 'radius',
    rotat: 'rotate',
    gravety: 'gravity',
    greyscal: 'greyscale',
    presset: 'preset',
  };
  for (const [word, name] of Object.entries(meant)) t.equal(nearest(word, NAMES), name, word);
});

t.test('says nothing where nothing is near', async (t) => {
  for (const word of ['', 'x', 'watermarking', 'zzz', 'x'.repeat(500), '💥💥💥'])
    t.equal(nearest(word, NAMES), undefined, word.slice(0, 20));
});
