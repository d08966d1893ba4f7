import { execFile, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeFolder } from './folders.ts';
import { pages } from './markdown.ts';

/** How the programs of docs/signing.md are run, by the name of their block. */
export const LANGUAGES: Readonly<
  Record<string, { file: string; command: readonly string[]; version: string }>
> = {
  js: { file: 'sign.mjs', command: ['node'], version: '--version' },
  python: { file: 'sign.py', command: ['python3'], version: '--version' },
  go: { file: 'sign.go', command: ['go', 'run'], version: 'version' },
  php: { file: 'sign.php', command: ['php'], version: '--version' },
  ruby: { file: 'sign.rb', command: ['ruby'], version: '--version' },
  java: { file: 'Sign.java', command: ['java'], version: '--version' },
};

const PAGE = pages().get('docs/signing.md') ?? '';

/** The reason why a program cannot be run here, or false. */
export function isMissing(language: string): string | false {
  const { command: [name = ''] = [], version = '' } = LANGUAGES[language] ?? {};
  return spawnSync(name, [version]).error ? `${name} is not on this machine` : false;
}

/** What the program of the page prints. */
export async function printed(language: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-signing-'));
  try {
    return await printedIn(language, folder);
  } finally {
    await removeFolder(folder);
  }
}

async function printedIn(language: string, folder: string): Promise<string> {
  const { file = '', command: [name = '', ...before] = [] } = LANGUAGES[language] ?? {};
  const program = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(PAGE)?.[1] ?? '';
  writeFileSync(join(folder, file), program);
  const { stdout } = await promisify(execFile)(name, [...before, file], { cwd: folder });
  return stdout.trim();
}

/** Key, text and signature as the page tells them. */
export function vector(): { key: string; text: string; sig: string } {
  const cell = (name: string) => new RegExp(`\\| ${name} \\| \`([^\`]+)\` \\|`).exec(PAGE)?.[1] ?? '';
  return {
    key: /with the key `([0-9a-f]+)`/.exec(PAGE)?.[1] ?? '',
    text: cell('text'),
    sig: cell('sig'),
  };
}
