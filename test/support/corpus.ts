import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../..', import.meta.url);

export interface CorpusRow {
  file: string;
  tests: string;
  width: string;
  height: string;
  sha256: string;
  format: string;
  bytes: string;
  outcome: string;
}

/** Where a file of the manifest lies: samples are not stored twice. */
export function corpusPath(file: string): string {
  const base = file.startsWith('samples/') ? file : `test/corpus/files/${file}`;
  return fileURLToPath(new URL(base, ROOT));
}

const isHeic = ({ file }: CorpusRow) => file.startsWith('heic/');
/** What sharp reads, or refuses; a HEIC reaches it by its master alone. */
export const corpusRows = (): CorpusRow[] => manifest().filter((row) => !isHeic(row));
export const heicRows = (): CorpusRow[] => manifest().filter(isHeic);

export function manifest(): CorpusRow[] {
  const [head = '', ...lines] = readFileSync(new URL('test/corpus/MANIFEST.tsv', ROOT), 'utf8')
    .trim()
    .split('\n');
  const position = (name: string) => head.split('\t').indexOf(name);
  return lines.map((line) => {
    const cells = line.split('\t');
    const cell = (name: string) => cells[position(name)] ?? '';
    return {
      file: cell('file'),
      tests: cell('tests'),
      width: cell('width'),
      height: cell('height'),
      sha256: cell('sha256'),
      format: cell('format'),
      bytes: cell('bytes'),
      outcome: cell('sharp_0.35.5'),
    };
  });
}

export const corpus = (file: string): Promise<Buffer> => readFile(corpusPath(file));
