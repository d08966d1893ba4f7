import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import sharp from 'sharp';
import { table } from '../../docs/markdown.ts';
import { ssimulacra2Command } from '../ssimulacra2.ts';
import { versions } from './contestants.ts';
import type { Measured, Part, Target } from './part.ts';
import { svgOf } from './plot.ts';

const ROOT = new URL('..', import.meta.url);
const [STATE, REPORT, PLOTS] = ['report.json', 'report.md', 'plots/'].map((name) => new URL(name, ROOT));

interface Run {
  readonly commit: string;
  readonly day: string;
  readonly seconds: number;
  readonly measured: Measured;
}

type State = Readonly<Record<string, Run>>;

function read(): State {
  try {
    return JSON.parse(readFileSync(STATE ?? '', 'utf8'));
  } catch {
    // There was no run before.
    return {};
  }
}

const git = (...args: string[]): string => {
  try {
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
};

function commitNow(): string {
  const changed = git('status', '--porcelain', '--', 'server', 'warmer', 'package.json');
  return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
}

const verdict = ({ isMet }: Target): string =>
  isMet === undefined ? 'not measured' : isMet ? 'met' : '**missed**';

function machine(): string[] {
  const { node } = process.versions;
  const codecs = ['sharp', 'vips', 'aom', 'webp', 'mozjpeg'] as const;
  const libraries = codecs.map((name) => `${name} ${sharp.versions[name]}`);
  const metric = ssimulacra2Command()?.[0] ?? 'none';
  return [
    `Machine: ${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown CPU'}; Node ${node}, ${libraries.join(', ')}.`,
    `Beside us: ${versions().join(', ')}. Quality by ${metric.split('/').at(-1)}.`,
  ];
}

function section([name, { commit, day, seconds, measured }]: [string, Run], title: string): string {
  const tables = measured.tables.map(
    (part) =>
      `${part.title}\n\n${table(
        [...part.head],
        part.rows.map((row) => [...row]),
      )}`,
  );
  const plots = (measured.plots ?? []).map((plot) => `![${plot.title}](plots/${plot.name}.svg)`);
  const foot = `<!-- ${name} --> Measured on ${day} at ${commit}, in ${seconds} s.`;
  return [`## ${title}`, ...tables, ...plots, ...(measured.notes ?? []), foot].join('\n\n');
}

function write(state: State, parts: Readonly<Record<string, Part>>): void {
  const done = Object.keys(parts).flatMap((name): [string, Run][] => {
    const run = state[name];
    return run ? [[name, run]] : [];
  });
  const targets = done.flatMap(([, { measured }]) => measured.targets);
  const missed = targets.filter(({ isMet }) => isMet === false).length;
  const unknown = targets.filter(({ isMet }) => isMet === undefined).length;
  const rows = targets.map((target) => [target.what, target.wanted, target.figure, verdict(target)]);
  const text = [
    '# Beside others',
    'Written by `npm run bench -- peers`, see [peers.md](peers.md). Everything is CPU time of all processes of a program, in turns on one machine; ratios, since seconds of another machine say little. Where we are behind, the row says "we lose".',
    ...machine(),
    `## Targets\n\n${targets.length - missed - unknown} met, ${missed} missed, ${unknown} not measured.`,
    table(['what', 'wanted', 'figure', ''], rows),
    ...done.map((entry) => section(entry, parts[entry[0]]?.title ?? entry[0])),
  ].join('\n\n');
  writeFileSync(REPORT ?? '', `${text}\n`);
  rmSync(PLOTS ?? '', { recursive: true, force: true });
  mkdirSync(PLOTS ?? '');
  for (const [, { measured }] of done)
    for (const plot of measured.plots ?? []) writeFileSync(new URL(`${plot.name}.svg`, PLOTS), svgOf(plot));
}

export interface Choice {
  /** All of them where it is empty. */
  readonly names: readonly string[];
  /** Leaves out what was measured at this commit. */
  readonly isResumed: boolean;
}

/**
 * Measures part after part and writes the report after each, so that one that fails or is broken off takes nothing else
 * with it: the others keep what the last run has found.
 *
 * @returns  one line for each part
 */
export async function reportOf(
  parts: Readonly<Record<string, Part>>,
  { names, isResumed }: Choice,
): Promise<string[]> {
  const told: string[] = [];
  const commit = commitNow();
  for (const [name, part] of Object.entries(parts)) {
    if (names.length > 0 && !names.includes(name)) continue;
    if (isResumed && read()[name]?.commit === commit) continue;
    const started = performance.now();
    try {
      const measured = await part.run();
      const seconds = Math.round((performance.now() - started) / 1000);
      const day = new Date().toISOString().slice(0, 10);
      const state = { ...read(), [name]: { commit, day, seconds, measured } };
      writeFileSync(STATE ?? '', `${JSON.stringify(state, undefined, 1)}\n`);
      told.push(`${name}: ${seconds} s`);
    } catch (error) {
      told.push(`${name}: FAILED, ${error instanceof Error ? error.stack : error}`);
    }
    process.stdout.write(`  ${told.at(-1)}\n`);
    write(read(), parts);
  }
  return told;
}
