import { parseArgs } from 'node:util';
import { Output, type Streams } from './output.ts';

/** The command line says something that there is not: exit code 2. */
export class UsageError extends Error {}

export interface Option {
  /** What its value is called in the help; absent: a switch. */
  readonly value?: string;
  readonly isRepeatable?: boolean;
  readonly doc: string;
}
type Options = Readonly<Record<string, Option>>;

/** What a command is about: files, ids. */
export interface Operand {
  readonly name: string;
  readonly min: number;
  /** Infinity: as many as there are. */
  readonly max: number;
  readonly doc: string;
}

type ValueOf<O extends Option> = O extends { value: string; isRepeatable: true }
  ? readonly string[]
  : O extends { value: string }
    ? string | undefined
    : boolean;

export interface Invocation<O extends Options> {
  readonly operands: readonly string[];
  readonly values: { readonly [Name in keyof O]: ValueOf<O[Name]> };
  readonly output: Output;
}

interface Definition<O extends Options> {
  readonly name: string;
  readonly summary: string;
  /** What the summary has no room for; sentences. */
  readonly about?: string;
  readonly operand?: Operand;
  readonly options: O;
  /** What comes behind `rendition`. */
  readonly examples: readonly string[];
  readonly run: (invocation: Invocation<O>) => Promise<void>;
}

export interface Command extends Omit<Definition<Options>, 'run'> {
  /**
   * @param words  behind the name of the command
   * @returns      the exit code: 1 when something failed
   * @throws UsageError; what ended the whole of it
   */
  readonly run: (words: readonly string[], streams: Streams) => Promise<number>;
}

export const JSON_OPTION = { doc: 'Lines of JSON in place of text.' } as const;

/** A command, whose values have the types that its options say. */
export function command<const O extends Options>(definition: Definition<O>): Command {
  const run = async (words: readonly string[], streams: Streams): Promise<number> => {
    const { operands, values } = read(definition, words);
    const output = new Output({ isJson: values['json'] === true, streams });
    // The boundary where texts become what the options say: `read` gives every one of them its value.
    await definition.run({ operands, values: values as Invocation<O>['values'], output });
    return output.failures > 0 ? 1 : 0;
  };
  return { ...definition, run };
}

type Read = { operands: string[]; values: Record<string, unknown> };

function read({ options, operand, name }: Omit<Definition<Options>, 'run'>, words: readonly string[]): Read {
  const parsed = parse(options, words);
  const { min, max } = operand ?? { min: 0, max: 0 };
  const count = parsed.operands.length;
  const named = operand?.name ?? 'nothing';
  if (count < min) throw new UsageError(`${name} needs ${named}.`);
  if (count > max)
    throw new UsageError(`${name} takes ${named} and no more, not "${parsed.operands[max]}" as well.`);
  return parsed;
}

function parse(options: Options, words: readonly string[]): Read {
  const types = Object.entries(options).map(([name, { value, isRepeatable = false }]) => {
    const type = value === undefined ? ('boolean' as const) : ('string' as const);
    return [name, { type, multiple: isRepeatable }] as const;
  });
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      allowNegative: false,
      options: Object.fromEntries(types),
    });
    const absent = types.map(([name, { type, multiple }]) => [
      name,
      multiple ? [] : type === 'boolean' ? false : undefined,
    ]);
    return { operands: positionals, values: { ...Object.fromEntries(absent), ...values } };
  } catch (error) {
    if (error instanceof TypeError && 'code' in error) throw new UsageError(error.message);
    throw error;
  }
}
