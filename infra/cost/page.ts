import { readFileSync } from 'node:fs';
import { SIZES } from '../sizing.ts';
import { ditCost } from './dit.ts';
import { COMMON, monthlyCost, serverTasks, type Traffic, total } from './model.ts';

/** The columns of the table. With more traffic fewer requests are new. */
export const SCENARIOS: Readonly<Record<string, Traffic>> = {
  '1 M, tiny': { ...COMMON, size: 'tiny', requests: 1e6, images: 2000, firewall: false, shield: false },
  '1 M': { ...COMMON, size: 'small', requests: 1e6, images: 2000 },
  '100 M': { ...COMMON, size: 'small', requests: 1e8, images: 100_000 },
  '1 B': { ...COMMON, size: 'medium', requests: 1e9, images: 500_000, newVariants: 0.005, purges: 5000 },
  '5 B': { ...COMMON, size: 'large', requests: 5e9, images: 2_000_000, newVariants: 0.005, purges: 20_000 },
};

export const dollars = (usd: number): string =>
  usd < 10 ? usd.toFixed(2) : Math.round(usd).toLocaleString('en-US');

const table = (rows: readonly (readonly string[])[]): string =>
  rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Columns of numbers, by name. */
export function costTable(scenarios: Readonly<Record<string, Traffic>> = SCENARIOS): string {
  const all = Object.values(scenarios);
  const columns = all.map(monthlyCost);
  const compared = (firewall: boolean, cost: typeof monthlyCost) =>
    all.map((traffic) => dollars(total(cost({ ...traffic, firewall }))));
  return table([
    ['USD a month', ...Object.keys(scenarios)],
    ['---', ...columns.map(() => '---:')],
    [
      'size',
      ...all.map((one) => `${one.size}, ${serverTasks(one)} × ${SIZES[one.size].server.cpu / 1024} vCPU`),
    ],
    ...Object.keys(columns[0] ?? {}).map((name) => [name, ...columns.map((one) => dollars(one[name] ?? 0))]),
    ['**all**', ...columns.map((one) => `**${dollars(total(one))}**`)],
    ['without a firewall', ...compared(false, monthlyCost)],
    ['DIT v8 on the same traffic, without a firewall', ...compared(false, ditCost)],
    ['with a firewall', ...compared(true, monthlyCost)],
    ['DIT v8 on the same traffic, with a firewall', ...compared(true, ditCost)],
  ]);
}

export const PAGE = new URL('../../docs/cost.md', import.meta.url);
const MARKED = /(<!-- table -->\n)[\s\S]*?(\n<!-- end -->)/;

/** The page with its table as the formula has it now. */
export function costPage(): { written: string; current: string } {
  const written = readFileSync(PAGE, 'utf8');
  return { written, current: written.replace(MARKED, (_all, start, end) => `${start}${costTable()}${end}`) };
}
