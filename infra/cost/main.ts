import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SIZE_NAMES } from '../sizing.ts';
import { COMMON, fittingSize, type Traffic } from './model.ts';
import { costPage, costTable, PAGE } from './page.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, B: 1e9 };

/** `50M`, `200k`, `0.95`. */
function amount(name: string, text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)([kMB]?)$/.exec(text) ?? [];
  if (digits === undefined) throw new Error(`--${name}=${text}: expected a number such as 50M, 200k or 0.95`);
  return Number(digits) * (UNITS[unit] ?? 1);
}

const AMOUNTS = {
  requests: 'requests',
  images: 'images',
  'original-mb': 'originalMb',
  'mean-kb': 'meanKb',
  'hit-ratio': 'hitRatio',
  'new-variants': 'newVariants',
  peak: 'peak',
  purges: 'purges',
  traced: 'traced',
} as const satisfies Record<string, keyof Traffic>;

/**
 * Traffic as the arguments describe it; what is not said is as in docs/cost.md, and the size is the smallest that fits.
 *
 * @throws  for an argument that is unknown or no number
 */
export function trafficOf(args: readonly string[]): Traffic {
  const text = { type: 'string' } as const;
  const { values: parsed } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(Object.keys(AMOUNTS).map((name) => [name, text])),
      size: text,
      signed: { type: 'boolean' },
      'no-firewall': { type: 'boolean' },
      'no-shield': { type: 'boolean' },
      'no-logs': { type: 'boolean' },
    },
  });
  const values: Readonly<Record<string, unknown>> = parsed;
  const said = Object.entries(AMOUNTS).flatMap(([name, field]) => {
    const value = values[name];
    return typeof value === 'string' ? [[field, amount(name, value)]] : [];
  });
  const traffic: Traffic = {
    ...COMMON,
    size: 'small',
    requests: 1e6,
    images: 2000,
    ...Object.fromEntries(said),
    signed: values.signed === true,
    firewall: values['no-firewall'] !== true,
    shield: values['no-shield'] !== true,
    accessLogs: values['no-logs'] !== true,
  };
  for (const name of ['hitRatio', 'newVariants', 'traced'] as const)
    if (traffic[name] > 1) throw new Error(`${name} is a share: expected a number from 0 to 1`);
  if (values.size === undefined) return { ...traffic, size: fittingSize(traffic) };
  const size = SIZE_NAMES.find((one) => one === values.size);
  if (!size) throw new Error(`--size=${values.size}: expected one of ${SIZE_NAMES.join(', ')}`);
  return { ...traffic, size };
}

if (process.argv[1] === import.meta.filename) {
  const args = process.argv.slice(2);
  try {
    if (args[0] === '--write') writeFileSync(PAGE, costPage().current);
    else process.stdout.write(`${args.length > 0 ? costTable({ yours: trafficOf(args) }) : costTable()}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
