import fc from 'fast-check';
import t from 'tap';
import { readQuery } from '../../../../server/core/operations/transformation.ts';
import { cheaperForm } from '../../../../server/core/plan/economy.ts';
import { always } from '../../../support/property.ts';

t.test('the cheapest encoder, and the cheaper format only where both are accepted', async (t) => {
  for (const [form, encoder, format] of [
    ['fmt=auto-avif&w=80', 'effort=fast&fmt=auto-avif&w=80', 'effort=fast&fmt=webp&w=80'],
    ['fmt=auto-base&w=80', 'effort=fast&fmt=auto-base&w=80', 'effort=fast&fmt=auto-base&w=80'],
    ['fmt=avif&w=80', 'effort=fast&fmt=avif&w=80', 'effort=fast&fmt=avif&w=80'],
    ['effort=small&fmt=auto-avif&w=80', undefined, undefined],
    ['effort=fast&fmt=webp&w=80', undefined, undefined],
    ['ph=thumbhash', undefined, undefined],
    // WebP has no full chroma, and no palette.
    [
      'chroma=444&fmt=auto-avif',
      'chroma=444&effort=fast&fmt=auto-avif',
      'chroma=444&effort=fast&fmt=auto-avif',
    ],
    ['colors=16&fmt=auto-avif', 'colors=16&effort=fast&fmt=auto-avif', 'colors=16&effort=fast&fmt=auto-avif'],
  ] as const) {
    t.equal(cheaperForm(form, 'encoder'), encoder ?? form, form);
    t.equal(cheaperForm(form, 'format'), format ?? form, form);
  }
});

t.test('nothing else of a picture changes', async (t) => {
  const parts = fc.subarray(
    [
      'w=300',
      'h=200',
      'fit=cover',
      'g=face',
      'q=60',
      'blur=2',
      'mb=90000',
      'lossless=1',
      'anim=0',
      'bg=fff',
      'trim=1',
    ],
    { minLength: 1 },
  );
  const fmt = fc.constantFrom('auto-avif', 'auto-base', 'avif', 'webp', 'jpeg', 'png', 'gif', 'source');
  const property = fc.property(parts, fmt, fc.constantFrom('encoder', 'format'), (some, format, economy) => {
    let canonical: string;
    try {
      canonical = readQuery(`${some.join('&')}&fmt=${format}`, {}).canonical;
    } catch {
      return true;
    }
    const rest = (form: string) => form.split('&').filter((part) => !/^(fmt|effort)=/.test(part));
    const form = cheaperForm(canonical, economy);
    const isReadable = readQuery(form, {}).canonical === form;
    return isReadable && JSON.stringify(rest(form)) === JSON.stringify(rest(canonical));
  });
  always(t, property, { numRuns: 300 });
});
