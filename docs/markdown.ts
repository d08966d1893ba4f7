/** Text as code; a cell of a table would end at a bar. */
export const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

/** Text that Markdown would otherwise read. */
export const plain = (text: string): string => text.replace(/[|<*_[\]\\]/g, (sign) => `\\${sign}`);

export function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What GitHub makes of a heading for links to it. */
export const anchor = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
