import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Fonts that every installation has, so that a drawing is the same picture everywhere. */
const OWN_FONTS = join(
  dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')),
  'ttf',
);

/** What drawings ask for, in whose place; what the operator's own fonts have comes first. */
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  'DejaVu Sans': ['sans-serif', 'system-ui', 'Arial', 'Helvetica', 'Helvetica Neue', 'Verdana', 'Roboto'],
  'DejaVu Serif': ['serif', 'Times', 'Times New Roman', 'Georgia'],
  'DejaVu Sans Mono': ['monospace', 'Courier', 'Courier New', 'Consolas', 'Menlo'],
};

/** Folders of the fonts that drawings have. */
export const fontFolders = (fontsDir: string | undefined): string[] => [
  ...(fontsDir === undefined ? [] : [fontsDir]),
  OWN_FONTS,
];

const escaped = (text: string): string => text.replace(/[&<>]/g, (letter) => `&#${letter.charCodeAt(0)};`);

/**
 * The configuration under which a process draws text with the fonts of some folders, and no others.
 *
 * @param cacheDir  where fontconfig may note what it found
 */
export function fontconfig({
  folders,
  cacheDir,
}: {
  readonly folders: readonly string[];
  readonly cacheDir: string;
}): string {
  const aliases = Object.entries(FAMILIES).flatMap(([ours, asked]) =>
    asked.map(
      (name) =>
        `<alias binding="same"><family>${name}</family><accept><family>${ours}</family></accept></alias>`,
    ),
  );
  const lines = [
    '<?xml version="1.0"?>',
    '<!DOCTYPE fontconfig SYSTEM "fonts.dtd">',
    '<fontconfig>',
    ...folders.map((folder) => `<dir>${escaped(folder)}</dir>`),
    `<cachedir>${escaped(cacheDir)}</cachedir>`,
    ...aliases,
    // Whatever else is asked for.
    '<match><edit name="family" mode="append_last"><string>DejaVu Sans</string></edit></match>',
    '</fontconfig>',
  ];
  return `${lines.join('\n')}\n`;
}
