import { readFileSync } from 'node:fs';
import createClient from 'openapi-fetch';
import type { components, paths } from './paths.d.ts';

const [baseUrl = '', token = '', file = ''] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });

type Fields = Record<string, string | readonly (string | Blob)[]>;

/** A form, since the document says that this is what is taken. */
function form(fields: Fields): FormData {
  const data = new FormData();
  for (const [name, values] of Object.entries(fields))
    for (const value of [values].flat()) data.append(name, value);
  return data;
}

async function upload(): Promise<components['schemas']['Upload']> {
  const picture = new Blob([readFileSync(file)]);
  const { data, error } = await client.POST('/api/images', {
    body: { file: [''], id: 'a/rose 1.jpg', variants: ['w=20&fmt=webp'] },
    bodySerializer: (body) => form({ ...body, file: [picture] }),
  });
  if (error || !data || 'images' in data) throw new Error(JSON.stringify(error ?? data));
  return data;
}

const { id } = await upload();
const path = { id };
let status: components['schemas']['Status'] | undefined;
do {
  const answer = await client.GET('/api/images/{id}/status', { params: { path, query: { wait: 10 } } });
  if (answer.error) throw new Error(answer.error.detail);
  // A text to who accepts events.
  status = typeof answer.data === 'object' ? answer.data : undefined;
} while (status && status.status !== 'completed');
const image = await client.GET('/api/images/{id}', { params: { path } });
const picture = await client.GET('/img/{id}', {
  params: { path, query: { w: 20, fmt: 'webp' } },
  parseAs: 'arrayBuffer',
});
const none = await client.GET('/api/images/{id}', { params: { path: { id: 'none.jpg' } } });
const told = {
  id,
  variants: status?.variants.map(({ variant, status }) => `${variant} ${status}`),
  width: image.data?.original?.width,
  bytes: picture.data?.byteLength,
  refusal: none.error?.code,
};
process.stdout.write(JSON.stringify(told));
