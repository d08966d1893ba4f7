import { openAsBlob } from 'node:fs';
import { glob, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SNIFF_BYTES, SOURCE_FORMATS } from '../core/original/sniff.ts';
import { formatOf } from '../core/original/source.ts';
import { readId } from '../core/query/id.ts';
import { idInUrl } from '../core/query/path.ts';
import { Problem } from '../shared/errors.ts';
import type { Stores } from '../stores/stores.ts';
import { sendObject } from '../warming/jobs.ts';
import { command, JSON_OPTION, UsageError } from './command.ts';
import { DEPLOYMENT_OPTIONS, type Deployment, imagePath, openDeployment, Refused } from './deployment.ts';
import { each } from './each.ts';

/**
 * Copies a file into the originals under an id; its type is told by its bytes.
 *
 * @param id       as the bucket is to call it, not percent-encoded
 * @param replace  whether it may be put over an image that is there
 * @throws Problem `unsupported_source`, `invalid_parameter` (id), `conflict`; the error of a file that cannot be read
 */
export async function putFile(
  stores: Stores,
  path: string,
  { id, replace = false }: { id: string; replace?: boolean },
): Promise<void> {
  const { originals, jobs } = stores;
  const blob = await openFile(path);
  const head = new Uint8Array(await blob.slice(0, SNIFF_BYTES).arrayBuffer());
  const contentType = SOURCE_FORMATS[formatOf(head)];
  // Not every S3-compatible store knows conditional writes.
  if (!replace && (await originals.head(readId(id)))) throw taken(id);
  const stored = await originals.put(readId(id), blob.stream(), { contentType, ifAbsent: !replace });
  if (!stored) throw taken(id);
  if (!originals.announces) await sendObject(jobs, id, 'created', stored.etag);
}

function taken(id: string): Problem {
  const detail = `There is an image "${id}" already; --replace puts the file over it.`;
  return new Problem('conflict', detail, { param: 'id', received: id });
}

/** Of a file that is not there, openAsBlob says neither the name nor that. */
async function openFile(path: string): Promise<Blob> {
  if (!(await stat(path)).isFile()) throw new Error(`${path} is no file`);
  return openAsBlob(path);
}

/** Ids by file: the name of a file, and the path inside of a folder. */
async function idsOf(operands: readonly string[], prefix: string): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  for (const operand of operands) {
    const facts = await stat(operand).catch(() => undefined);
    if (!facts?.isDirectory()) {
      ids.set(operand, prefix + basename(operand));
      continue;
    }
    // Names with a dot in front are of the system and of tools: .DS_Store, .git.
    for await (const entry of glob('**/*', { cwd: operand, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const id = path.slice(join(operand, '/').length).replaceAll('\\', '/');
      if (!/(^|\/)\./.test(id)) ids.set(path, prefix + id);
    }
  }
  return ids;
}

interface Putting {
  readonly id: string;
  readonly replace: boolean;
  readonly variants: readonly string[];
}

/** What an upload is answered with, as far as it is used here. */
interface Put {
  readonly id: string;
  readonly url: string;
  readonly variants: readonly { readonly url: string }[];
}

async function upload(
  deployment: Deployment,
  path: string,
  { id, replace, variants }: Putting,
): Promise<Put> {
  const blob = await openFile(path);
  const form = new FormData();
  if (replace) {
    form.append('file', blob, basename(path));
    const replaced = await deployment.call('PUT', imagePath(id, '/original'), { form }).catch(ifAbsent);
    const more = replaced && variants.length > 0;
    if (more)
      return readPut(await deployment.call('POST', imagePath(id, '/variants'), { json: { variants } }));
    if (replaced) return readPut(replaced);
  }
  form.delete('file');
  form.append('id', id);
  if (variants.length) form.append('variants', JSON.stringify(variants));
  form.append('file', blob, basename(path));
  return readPut(await deployment.call('POST', '/api/images', { form }));
}

function ifAbsent(error: unknown): undefined {
  if (!(error instanceof Refused) || error.code !== 'image_not_found') throw error;
}

function readPut(answer: unknown): Put {
  // The shape that the API's own schema gives it.
  return answer as Put;
}

/** Addresses of an image that a deployment may serve, the likeliest first. */
function candidates({ id, url, variants: [first] }: Put, presets: readonly string[]): string[] {
  const { origin } = new URL(url);
  const byPreset = presets.slice(0, 1).map((preset) => `${origin}/img/${idInUrl(id)}?p=${preset}`);
  return [...(first ? [first.url] : []), url, ...byPreset];
}

interface Served {
  readonly presets: readonly string[];
  /** Of the candidates; -1 for none. */
  readonly index: number;
}

/** Which of the candidates a deployment serves. */
async function servedOf(deployment: Deployment, uploaded: Put): Promise<Served> {
  const presets = Object.keys(Object(await deployment.call('GET', '/api/presets')).presets);
  for (const [index, url] of candidates(uploaded, presets).entries()) {
    const { pathname, search } = new URL(url);
    const { ok } = await fetch(`${deployment.base}${pathname}${search}`, { method: 'HEAD' });
    if (ok) return { presets, index };
  }
  return { presets, index: -1 };
}

/** Says of each file where it is now; the first one tells which of its addresses are served. */
function announcer(deployment: Deployment): (uploaded: Put) => Promise<string | undefined> {
  let served: Promise<Served> | undefined;
  return async (uploaded) => {
    served ??= servedOf(deployment, uploaded);
    const { presets, index } = await served;
    return candidates(uploaded, presets)[index];
  };
}

export const put = command({
  name: 'put',
  summary: 'Uploads files, or all of a folder, and prints where they are served.',
  about:
    'A file is called as it is named, one of a folder by its path in there. What fails is told of, and the others go on.',
  operand: { name: 'FILE', min: 1, max: Number.POSITIVE_INFINITY, doc: 'Files, and folders of files.' },
  options: {
    id: { value: 'ID', doc: 'Of the one file.' },
    prefix: { value: 'PREFIX', doc: 'Put before every id, as products/.' },
    replace: { doc: 'Puts files over images of the same id.' },
    variants: {
      value: 'QUERY',
      isRepeatable: true,
      doc: 'Variants to warm: w=800&fmt=webp, or p=card for a preset.',
    },
    ...DEPLOYMENT_OPTIONS,
    json: JSON_OPTION,
  },
  examples: [
    'put photo.jpg --id products/shoe.jpg',
    "put ./photos --prefix summer/ --variants 'w=800' --url https://images.example.com",
  ],
  run: async ({ operands, values, output }) => {
    const { id, prefix = '', replace, variants } = values;
    const ids = await idsOf(operands, prefix);
    if (id !== undefined && (ids.size !== 1 || prefix !== ''))
      throw new UsageError(`--id is for one file and goes without --prefix; here are ${ids.size} files.`);
    const deployment = await openDeployment(values, true);
    try {
      const addressOf = announcer(deployment);
      await each([...ids.keys()], output, async (path) => {
        const own = id ?? ids.get(path) ?? path;
        const done = await upload(deployment, path, { id: own, replace, variants });
        const url = await addressOf(done);
        output.result({ file: path, id: done.id, ...(url && { url }) }, url ?? done.id);
      });
    } finally {
      await deployment.close();
    }
  },
});
