import { readFileSync } from 'node:fs';

/** Version in package.json, which lies above the sources and above what is built of them. */
export function packageVersion(): string {
  const manifest: { version?: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return manifest.version ?? '0';
}
