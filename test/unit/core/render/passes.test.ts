import t from 'tap';
import { HEADS, makeOriginals, OUTPUTS, TAILS, wrongIn } from '../../../support/passes.ts';
import { sampler } from '../../../support/sample.ts';

t.test('steps that share a pass of sharp give what they give in passes of their own', async (t) => {
  const originals = await makeOriginals();
  // The tail and the output of a head are other ones with each head: passes.nightly.ts has them all.
  const stills = OUTPUTS.filter((output) => !output.includes('avif') && !output.startsWith('anim'));
  // The quarter turns of EXIF: an orientation with another crop each.
  const sampled = sampler();
  const heads = [
    ...HEADS.filter((head) => /^[01] /.test(head)),
    ...[2, 3, 4, 5, 6, 7, 8].flatMap((turned) =>
      sampled(
        HEADS.filter((head) => head.startsWith(`${turned} `)),
        3,
      ),
    ),
  ];
  const trials = heads.map((head, index) => ({
    head,
    tail: TAILS[(index * 3) % TAILS.length] ?? '',
    output: stills[index % stills.length] ?? 'fmt=png',
  }));
  const torn = ['1 w=50&h=40&fit=cover', '1 w=50&h=20&fit=cover&g=attention', '1 trim&w=50'].flatMap((head) =>
    sampled(
      [
        'fmt=png',
        'fmt=avif&effort=fast',
        'fmt=png&mb=4k',
        'ph=color',
        'anim fmt=webp&lossless',
        'anim fmt=gif',
      ],
      3,
    ).map((output) => ({
      head,
      tail: 'pad=10&border=5,f00',
      output,
    })),
  );
  const dithered = { head: '1 rect=5,7,60,40&rot=270', tail: 'norm&gray', output: 'anim fmt=gif' } as const;
  const mirrored = ['', 'pad=3,5,7,9'].map(
    (tail) =>
      ({
        head: '1 w=30&h=60&fit=cover&g=e&flip=h',
        tail,
        output: 'anim fmt=webp&lossless',
      }) as const,
  );
  for (const trial of [...trials, ...torn, ...mirrored, dithered])
    t.equal(await wrongIn(trial, originals), undefined, Object.values(trial).join(' | '));
});
