import t from 'tap';
import { INDEX, readQuery } from '../../../../server/core/operations/transformation.ts';
import { PEER_NAMES, peerHint } from '../../../../server/core/query/peer-names.ts';
import { isProblem } from '../../../../server/shared/errors.ts';

function hintOf(query: string): string | undefined {
  try {
    readQuery(query, {});
  } catch (error) {
    return isProblem(error) ? error.facts.hint : undefined;
  }
  return undefined;
}

t.test('what peers call it is the hint, before any name that looks alike', async (t) => {
  const rows = {
    'auto=format': 'fmt=auto',
    'auto=format,compress': 'fmt=auto',
    'auto=compress': 'q',
    'crop=faces': 'g=attention',
    'size=300': 'w and h',
    'size=300x200': 'w=300&h=200',
    'cb=1': 'v',
    'ts=1': 'v',
    't=1': 'v',
    'CB=1': 'v',
    'f=auto': 'fmt',
    'fit=facearea': 'g=attention',
    'g=auto': 'g=attention',
  };
  for (const [query, hint] of Object.entries(rows)) t.equal(hintOf(query), hint, query);
  t.match(hintOf('crop=1,2,3,4'), /^rect=/);
  t.equal(hintOf('wdith=3'), 'width', 'no peer has it: the nearest name');
  for (const name of ['__proto__', 'constructor', 'toString']) t.equal(peerHint(name, ''), undefined, name);
});

t.test('a row is nothing that is understood already, and its hint is', async (t) => {
  for (const [row, hint] of Object.entries(PEER_NAMES)) {
    const [name = '', value] = row.split('=');
    t.equal(row, row.toLowerCase());
    if (value === undefined && row !== 'crop')
      t.notOk(Object.hasOwn(INDEX.byName, `$${name}`), `${row} is no parameter`);
    if (value !== undefined) t.throws(() => readQuery(row, {}), { code: /_parameter$/ }, `${row} is refused`);
    for (const part of hint.split(/ and |, | or |&|:/)) {
      const [known = ''] = part.split('=');
      if (/ /.test(part)) continue;
      t.ok(Object.hasOwn(INDEX.byName, `$${known}`) || /^[xywh]$/.test(known), `${row}: ${part}`);
      if (/=[a-z0-9]+$/.test(part)) t.doesNotThrow(() => readQuery(part, {}), `${row}: ${part}`);
    }
  }
});
