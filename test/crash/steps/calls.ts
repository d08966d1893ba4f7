import t from 'tap';
import { updateWithRetry } from '../../../server/stores/update-record.ts';
import { call, form, noise, type UploadAnswer } from '../../support/api.ts';
import { putFeed } from '../../support/feed.ts';
import { remoteServer } from '../../support/remote.ts';
import type { TestServer } from '../../support/server.ts';

/** What a client does, and does again when no answer comes. */
export interface Step {
  /** As it stands in the OpenAPI document. */
  readonly call: string;
  readonly act: (server: TestServer) => Promise<{ status: number }>;
  /** Whether copies of image `a` at the edge are old afterwards. */
  readonly isPublic?: boolean;
  /** Whether a killed server leaves a lease, so that the same call is told to come again until it ends. */
  readonly isLeased?: boolean;
}

const WANTED = ['fmt=webp&w=20', 'fmt=jpeg&w=30'];
const files = await Promise.all([noise(60, 40, 1), noise(50, 50, 2), noise(40, 60, 3)]);
const [first, second, third] = files as [Buffer, Buffer, Buffer];

const remote = await remoteServer(t);
/** Where originals may be fetched from. */
export const REMOTE = remote.base;
export const FAR = remote.picture('/far.jpg', third);

/** What is there before each step: image `a` with two variants in collection `c`, and collection `empty`. */
export async function prepare(server: TestServer): Promise<void> {
  const { collections } = server.stores.records;
  const createdAt = new Date().toISOString();
  await collections.create({ id: 'c', name: 'c', createdAt });
  await collections.create({ id: 'empty', name: 'empty', createdAt });
  await putFeed(server.stores.records);
  const parts = [
    ['id', 'a'],
    ['collection', 'c'],
    ['variants', JSON.stringify(WANTED)],
    ['file', first],
  ] as const;
  await call<UploadAnswer>(server, 'POST', '/api/images', form(parts));
  // As if it had been fetched: its server has another one by now.
  await updateWithRetry(server.stores.records, 'a', ({ version = '' }) => ({
    source: { url: FAR, version },
  }));
}

const post = (path: string, body: object) => (server: TestServer) => call(server, 'POST', path, body);
const announced = { filename: 'p.jpg', contentType: 'image/jpeg', size: third.length, id: 'p' };

async function announceAndPost(server: TestServer): Promise<{ status: number }> {
  type Presigned = { url: string; fields: Record<string, string> };
  const { status, body } = await call<Presigned>(server, 'POST', '/api/images/presign', {
    ...announced,
    variants: WANTED,
  });
  if (status !== 200) return { status };
  const parts = [...Object.entries(body.fields), ['file', third]] as [string, string | Buffer][];
  return fetch(body.url, { method: 'POST', body: form(parts) });
}

export const STEPS: readonly Step[] = [
  {
    call: 'PUT /api/images/{id}/original',
    isPublic: true,
    act: (server) => call(server, 'PUT', '/api/images/a/original', form([['file', second]])),
  },
  {
    call: 'PATCH /api/images/{id}',
    isPublic: true,
    act: (server) => call(server, 'PATCH', '/api/images/a', { focal: { x: 0.1, y: 0.2 }, title: 'x' }),
  },
  {
    call: 'DELETE /api/images/{id}',
    isPublic: true,
    act: (server) => call(server, 'DELETE', '/api/images/a'),
  },
  {
    call: 'POST /api/images/{id}/variants',
    act: post('/api/images/a/variants', { variants: ['fmt=png&w=9'] }),
  },
  {
    call: 'DELETE /api/images/{id}/variants',
    isPublic: true,
    act: (server) => call(server, 'DELETE', '/api/images/a/variants', { variants: [WANTED[0]] }),
  },
  { call: 'POST /api/images/{id}/notifications', act: post('/api/images/a/notifications', {}) },
  { call: 'POST /api/rewarm', isLeased: true, act: (server) => call(server, 'POST', '/api/rewarm') },
  {
    call: 'POST /api/images/{id}/purge',
    isPublic: true,
    act: (server) => call(server, 'POST', '/api/images/a/purge?warm=true'),
  },
  {
    call: 'POST /api/images',
    act: (server) =>
      call(
        server,
        'POST',
        '/api/images',
        form([
          ['variants', JSON.stringify(WANTED)],
          ['file', second],
        ]),
      ),
  },
  {
    call: 'POST /api/images/import',
    act: post('/api/images/import', { urls: [{ url: FAR, id: 'far', collection: 'c', variants: WANTED }] }),
  },
  { call: 'POST /api/images/{id}/refresh', act: (server) => call(server, 'POST', '/api/images/a/refresh') },
  // Renders nothing, so that what is there is what was fetched.
  { call: 'HEAD /img/{id}', act: (server) => server.get('/img/shop/far.jpg', { method: 'HEAD' }) },
  {
    call: 'DELETE /api/images/{id}/block',
    act: async (server) => {
      await call(server, 'DELETE', '/api/images/shop/far.jpg');
      return call(server, 'DELETE', '/api/images/shop/far.jpg/block');
    },
  },
  { call: 'POST /api/images/presign', act: post('/api/images/presign', announced) },
  { call: 'POST /api/uploads/{id}', act: announceAndPost },
  { call: 'POST /api/feeds/{name}/run', act: post('/api/feeds/f/run', {}) },
  { call: 'POST /api/sign', act: post('/api/sign', { urls: ['/img/a?w=9'] }) },
  { call: 'POST /api/collections', act: post('/api/collections', { name: 'new' }) },
  {
    call: 'PATCH /api/collections/{id}',
    act: (server) => call(server, 'PATCH', '/api/collections/c', { name: 'newer' }),
  },
  { call: 'DELETE /api/collections/{id}', act: (server) => call(server, 'DELETE', '/api/collections/empty') },
  {
    call: 'POST /api/collections/{id}/relationships/images',
    act: post('/api/collections/c/relationships/images', { images: ['a'] }),
  },
  {
    call: 'DELETE /api/collections/{id}/relationships/images',
    act: (server) => call(server, 'DELETE', '/api/collections/c/relationships/images', { images: ['a'] }),
  },
];
