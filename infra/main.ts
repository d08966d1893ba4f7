import { readFileSync } from 'node:fs';
import { synthesise } from './app.ts';

const file = process.env.STAGES_FILE ?? new URL('stages.json', import.meta.url);
const stages = JSON.parse(readFileSync(file, 'utf8'));

try {
  // cdktf names the directory; alone, `node main.ts` writes where cdktf would.
  const left = await synthesise({
    stages,
    environment: process.env,
    outdir: process.env.CDKTF_OUTDIR ?? 'cdktf.out',
  });
  if (left.length > 0)
    process.stderr.write(`Without RENDITION_IMAGE these stages are left out: ${left.join(', ')}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
