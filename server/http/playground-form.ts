import { readdir } from 'node:fs/promises';
import type { Config } from '../config/settings.ts';
import { GROUPS, type Param } from '../core/operations/operation.ts';
import { allowedText, ROWS, type Row } from '../core/operations/table.ts';
import { readPairs } from '../core/operations/transformation.ts';
import type { Grammar } from '../core/query/rule.ts';

const SAMPLES = new URL('../../samples/', import.meta.url);

export interface PlaygroundOptions {
  readonly settings: Pick<
    Config,
    'presets' | 'presetsOnly' | 'allowedWidths' | 'signatures' | 'publicUrl' | 'maxUploadBytes'
  > & { readonly maxSourceBytes: number };
  readonly watermarks: readonly string[];
  /** Whether there is a management API, and whether it wants a token. */
  readonly api: 'open' | 'token' | 'none';
  /** Whether originals can be put in and removed. */
  readonly isReadOnly: boolean;
}

/** What the form shows for a parameter; `text` where a grammar is more than one plain control. */
type Control =
  | { kind: 'number'; min: number; max: number; step: number }
  | { kind: 'choice'; values: readonly string[] }
  | { kind: 'flag' | 'color' | 'text' };

function control(grammars: readonly Grammar[]): Control {
  const [grammar, ...more] = grammars;
  if (!grammar || more.length) return { kind: 'text' };
  switch (grammar[0]) {
    case 'int':
      return { kind: 'number', min: grammar[1], max: grammar[2], step: 1 };
    case 'dec':
      return { kind: 'number', min: grammar[1], max: grammar[2], step: 0.1 };
    case 'density':
      return { kind: 'number', min: 1, max: grammar[2], step: 0.25 };
    case 'steps':
      return { kind: 'choice', values: grammar.slice(1) };
    case 'enum':
      return { kind: 'choice', values: [...new Set(Object.values(grammar[1]))] };
    case 'flag':
    case 'color':
      return { kind: grammar[0] };
    default:
      return { kind: 'text' };
  }
}

type Names = Readonly<Record<string, readonly string[]>>;

function parameter(key: string, { rule, label, doc, unset }: Param<unknown>, names: Names) {
  const { aliases = [], fallback, grammar } = rule;
  const registered = names[key];
  const shown: Control = registered ? { kind: 'choice', values: registered } : control(grammar);
  const allowed = registered ? registered.join(' ') : allowedText({ key, ...rule });
  return { key, label, aliases, doc, allowed, fallback, unset, control: shown };
}

/** Parts of a URL that are written by whoever signs or publishes it, not by hand. */
const WRITTEN_ELSEWHERE: readonly string[] = ['v', 'exp', 'kid', 'sig', 'wmx', 'wm2x'];

/** Operations that everybody uses stand at the head of their groups, the others in the order of work. */
const MAIN: readonly string[] = ['resize', 'encode'];
const rank = ({ operation }: Row): number => (MAIN.includes(operation.name) ? 0 : 1);

/** The parameter table as the page draws its form from it; `names` are the registered values of a parameter. */
export function formOf(names: Names) {
  return Object.entries(GROUPS).map(([name, title]) => ({
    name,
    title,
    parameters: ROWS.filter(
      ({ key, operation }) => operation.group === name && !WRITTEN_ELSEWHERE.includes(key),
    )
      .toSorted((a, b) => rank(a) - rank(b))
      .map(({ key, param }) => parameter(key, param, names)),
  }));
}

/** Ids of the samples that a first start puts in; an image without the folder has none. */
async function sampleIds(): Promise<string[]> {
  const names = await readdir(SAMPLES).catch(() => []);
  return names
    .filter((name) => !name.endsWith('.md'))
    .sort()
    .map((name) => `samples/${name}`);
}

const THUMBNAIL_PX = 240;

/**
 * A query for a small picture that this deployment serves.
 *
 * @param allowedWidths  ascending
 */
function thumbnailOf(
  { presets, presetsOnly }: PlaygroundOptions['settings'],
  allowedWidths: readonly number[],
): string {
  if (presetsOnly) {
    const widthOf = (name: string) => Number(new Map(presets[name]).get('w') ?? Number.POSITIVE_INFINITY);
    const [smallest = ''] = Object.keys(presets).sort((a, b) => widthOf(a) - widthOf(b));
    return `p=${smallest.slice(1)}`;
  }
  const width = allowedWidths.find((allowed) => allowed >= THUMBNAIL_PX);
  return `w=${width ?? allowedWidths.at(-1) ?? THUMBNAIL_PX}&q=60`;
}

/** All that the page knows beforehand of this deployment. */
export async function playgroundForm({ settings, watermarks, api, isReadOnly }: PlaygroundOptions) {
  const { presets, presetsOnly, signatures, publicUrl } = settings;
  const { maxSourceBytes, maxUploadBytes = maxSourceBytes } = settings;
  const names = Object.keys(presets).map((name) => name.slice(1));
  const allowedWidths = settings.allowedWidths.toSorted((a, b) => a - b);
  return {
    groups: formOf({ p: names, wm: watermarks, wm2: watermarks }),
    presets: names.map((name) => ({ name, canonical: readPairs([['p', name]], presets).canonical })),
    samples: await sampleIds(),
    thumbnail: thumbnailOf(settings, allowedWidths),
    publicUrl: publicUrl ?? null,
    maxUploadBytes,
    allowedWidths,
    isSigned: signatures !== 'off',
    isPresetsOnly: presetsOnly,
    isReadOnly,
    api,
  };
}
