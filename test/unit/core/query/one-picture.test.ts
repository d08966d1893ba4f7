import t from 'tap';
import { RULES } from '../../../../server/core/operations/table.ts';
import { LEFT_OUT, VALUES } from '../../../support/one-picture.ts';
import { seeded } from '../../../support/seeded.ts';
import { combinations, lookForTwins, Twins } from '../../../support/twins.ts';

/** Parameters that say the same in several ways, or nothing beside others: every combination of these. */
const FAMILIES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'turns and mirrors': { fmt: ['png'], rot: ['', '90', '180', '270'], flip: ['', 'h', 'v', 'hv'] },
  palettes: { fmt: ['png', 'gif'], colors: ['', '2', '3', '4', '5', '16', '17', '200', '256'] },
  'effort in JPEG': { fmt: ['jpeg'], effort: ['', 'fast', 'std', 'small'], progressive: ['', '0', '1'] },
  metadata: { fmt: ['gif', 'jpeg', 'png', 'webp'], meta: ['', 'none', 'copyright', 'keep'] },
  'chroma beside lossless': {
    fmt: ['avif', 'source', 'auto-base', 'auto-avif'],
    lossless: ['', '1'],
    chroma: ['', '420', '444'],
  },
  'grey before what is grey': {
    fmt: ['png'],
    gray: ['', '1'],
    sepia: ['', '60'],
    duo: ['', '102030,fed'],
    thr: ['', '120'],
    inv: ['', '1'],
  },
  'crops that enlarge': {
    fmt: ['png'],
    ar: ['1'],
    fit: ['', 'cover', 'contain', 'fill', 'outside', 'min'],
    zoom: ['', '1', '2'],
    up: ['', '1'],
  },
  'windows of a median': { fmt: ['png'], median: ['', '0', '1', '2', '3'] },
  'places of a mark': {
    fmt: ['png'],
    wm: ['', 'mark'],
    wmg: ['', 'center', 'n', 'se'],
    wmp: ['', '0', '2', '16'],
  },
  'saturation and hue': { fmt: ['png'], sat: ['', '-100', '40'], hue: ['', '0', '90'] },
  interlace: { fmt: ['jpeg', 'png', 'webp'], progressive: ['', '0', '1'] },
};

for (const [name, values] of Object.entries(FAMILIES)) {
  t.test(`${name}: keys are equal exactly where pictures are`, async (t) => {
    const twins = await Twins.open();
    for (const pairs of combinations(values)) await twins.look(pairs);
    t.same(twins.findings, []);
    t.ok(twins.count > 2);
  });
}

t.test('random queries and their neighbours: keys are equal exactly where pictures are', async (t) => {
  const twins = await lookForTwins(20, seeded(20261129));
  t.same(twins.findings, []);
});

t.test('no parameter is forgotten by the fuzzer', async (t) => {
  t.same([...Object.keys(VALUES), ...LEFT_OUT].sort(), RULES.map(({ key }) => key).sort());
});
