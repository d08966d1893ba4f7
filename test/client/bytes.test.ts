import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import t from 'tap';

const CLIENT = new URL('../../client', import.meta.url).pathname;
/** Of what makes addresses: url, srcset, sizes, picture, sign, parse. */
const MAX_BYTES = 4096;

async function bundled(names: string): Promise<{ imports: string[]; inputs: string[]; bytes: number }> {
  const built = await build({
    stdin: { contents: `export { ${names} } from './index.ts';`, resolveDir: CLIENT, loader: 'ts' },
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    minify: true,
    target: 'es2022',
  });
  const text = built.outputFiles[0]?.text ?? '';
  const used = Object.values(built.metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  const imports = Object.values(built.metafile.outputs).flatMap((output) =>
    output.imports.map(({ path }) => path),
  );
  return { imports, inputs: used, bytes: gzipSync(text, { level: 9 }).length };
}

t.test('what makes addresses takes less than 4 kB, compressed', async (t) => {
  const { bytes } = await bundled('url, query, srcset, sizes, picture, html, sign, parse');
  t.comment(`all of it without upload: ${bytes} bytes`);
  t.ok(bytes < MAX_BYTES, String(bytes));
});

t.test('only what is used is there', async (t) => {
  const alone = await bundled('url');
  t.comment(`url alone: ${alone.bytes} bytes`);
  t.same(
    alone.inputs.map((file) => file.split('/').at(-1)),
    ['url.ts'],
  );
  const all = await bundled('url, srcset, upload');
  t.ok(all.bytes > alone.bytes);
});

t.test('it has no dependency', async (t) => {
  const { imports } = await bundled('url, srcset, sizes, picture, sign, parse, upload, announce');
  t.same(imports, []);
});
