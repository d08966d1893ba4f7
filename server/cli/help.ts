import type { Command, Operand } from './command.ts';

const WIDTH = 100;

const operandText = ({ name, min, max }: Operand): string => {
  const text = max > 1 ? `${name}...` : name;
  return min === 0 ? `[${text}]` : text;
};

/** The line that shows how a command is written. */
export function usageOf({ name, operand, options }: Command): string {
  const written = ['rendition', name, ...(operand ? [operandText(operand)] : [])];
  return [...written, ...(Object.keys(options).length ? ['[options]'] : [])].join(' ');
}

/** How an option is written: `--url URL`, with `...` where it may be repeated. */
export function optionText(name: string, { value, isRepeatable }: Command['options'][string]): string {
  const text = value === undefined ? `--${name}` : `--${name} ${value}`;
  return isRepeatable ? `${text} ...` : text;
}

/** What `rendition NAME --help` prints. */
export function helpOf(command: Command): string {
  const { summary, about, operand, options, examples } = command;
  const rows = Object.entries(options).map(([name, option]) => [optionText(name, option), option.doc]);
  const all = [...(operand ? [[operandText(operand), operand.doc]] : []), ...rows, ['--help', 'This text.']];
  return [
    `usage: ${usageOf(command)}`,
    wrapped([summary, about].filter(Boolean).join(' '), 0),
    columns(all),
    `for example:\n${examples.map((example) => `  rendition ${example}`).join('\n')}`,
    '',
  ].join('\n\n');
}

/** What `rendition --help` prints. */
export function overview(commands: readonly Command[]): string {
  return [
    'usage: rendition COMMAND [options]',
    columns(commands.map(({ name, summary }) => [name, summary])),
    wrapped(
      'Commands work on the stores that the settings name in the environment, DATA_DIR=./data without any; with --url and --token on a deployment. RENDITION_URL and RENDITION_TOKEN are read where the options are absent.',
      0,
    ),
    'Exit codes: 0 all is done, 1 something failed, 2 the command line is wrong.\nrendition COMMAND --help says more.',
    '',
  ].join('\n\n');
}

function columns(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([name = '']) => name.length)) + 4;
  return rows.map(([name = '', doc = '']) => `  ${name.padEnd(width - 2)}${wrapped(doc, width)}`).join('\n');
}

/** Lines of whole words; those behind the first are indented. */
function wrapped(text: string, indent: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && indent + line.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}
