import sharp from 'sharp';
import type { Test } from 'tap';
import { type CorpusRow, corpus } from '../support/corpus.ts';
import { bytesOf, problemOf, startServer } from '../support/server.ts';

const REFUSALS: Readonly<Record<string, RegExp>> = {
  reject: /^(unsupported_source|damaged_source)$/,
  lenient: /^damaged_source$/,
  limit: /^too_many_pixels$/,
};

/** An id keeps the name where it can. */
const idOf = (file: string) => file.replace(/[^A-Za-z0-9._~/-]/g, '-');

/** Every file gives a picture or a plain reason over HTTP, and the process lives. */
export async function corpusOverHttp(t: Test, rows: readonly CorpusRow[]): Promise<void> {
  const server = await startServer();
  t.teardown(() => server.close());
  for (const { file, outcome, tests } of rows) {
    const id = idOf(file);
    await server.put(id, await corpus(file));
    const answer = await server.get(`/img/${id}?w=64&fmt=png`);
    if (outcome === 'decode' && answer.status === 200) {
      const { format, width = 0 } = await sharp(await bytesOf(answer)).metadata();
      t.equal(format, 'png', file);
      t.ok(width >= 1 && width <= 64, `${file}: ${width} px wide`);
    } else {
      const { code, detail } = await problemOf(answer);
      // An expensive SVG may be stopped: its process dies, not the service.
      const stopped = outcome === 'decode' && file.startsWith('svg/slow') && code === 'deadline';
      t.ok(
        stopped || REFUSALS[outcome]?.test(String(code)),
        `${file} (${tests}): ${outcome} → ${code}: ${detail}`,
      );
      t.ok([415, 422].includes(answer.status) || stopped, `${file}: ${answer.status}`);
    }
  }
  t.equal((await server.get('/healthz')).status, 200);
}
