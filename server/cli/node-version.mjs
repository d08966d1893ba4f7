// Preloaded by the scripts of package.json, and no TypeScript: a Node that is too old would stop at the first
// .ts file with a message about file extensions, which tells nobody what to do.

const OLDEST = 24;
const { node } = process.versions;

if (Number.parseInt(node, 10) < OLDEST) {
  process.stderr.write(
    `Rendition runs on Node ${OLDEST} or newer; this is Node ${node} (${process.execPath}). ` +
      'npm ci brings one along on Linux (x64, arm64) and Windows (x64); elsewhere install it from https://nodejs.org.\n',
  );
  process.exit(1);
}
