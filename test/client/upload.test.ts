import t from 'tap';
import { announce, type Status, upload } from '../../client/index.ts';
import { noise, playWarmer } from '../support/api.ts';
import { API_TOKENS, TOKEN } from '../support/env.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

let server: TestServer;
t.before(async () => {
  server = await startServer({ API_TOKENS });
});
t.teardown(() => server.close());

const fileOf = async (name: string): Promise<File> =>
  new File([new Uint8Array(await noise(60, 40))], name, { type: 'image/jpeg' });

t.test('upload(file, { variants }).ready()', async (t) => {
  const heard: string[] = [];
  const variants = [{ w: 20, fmt: 'webp' }, 'w=30&fmt=jpeg'] as const;
  const options = { base: server.base, token: TOKEN, id: 'a/rose.jpg', variants };
  const uploading = upload(await fileOf('rose.jpg'), options);
  const { id } = await uploading.sent;
  t.equal(id, 'a/rose.jpg');
  const ready = uploading.ready((status) => heard.push(status.status));
  await waitFor(() => heard.length > 0);
  await playWarmer(server, id);
  const status = await ready;
  t.equal(status.status, 'completed');
  t.same(
    status.variants.map(({ variant }) => variant),
    ['fmt=jpeg&w=30', 'fmt=webp&w=20'],
  );
  t.ok(heard.length > 1, `the page hears of it meanwhile: ${heard}`);
});

t.test('by a presigned form, without a token', async (t) => {
  const asked: object[] = [];
  const uploading = upload(await fileOf('shoe.jpg'), {
    presign: (announcement) => {
      asked.push(announcement);
      return announce({ base: server.base, token: TOKEN }, announcement);
    },
    variants: [{ w: 20, fmt: 'webp' }],
  });
  const { id } = await uploading.sent;
  t.match(asked, [{ filename: 'shoe.jpg', contentType: 'image/jpeg', variants: ['w=20&fmt=webp'] }]);
  await server.composed.management?.reconciler.reconcile(id);
  await playWarmer(server, id);
  t.equal((await uploading.ready()).status, 'completed');
});

t.test('what the server refuses is told with its reason', async (t) => {
  const text = new File(['no picture'], 'a.txt', { type: 'image/jpeg' });
  await t.rejects(upload(text, { base: server.base, token: TOKEN }).ready(), {
    message: /unknown file type/,
    cause: { code: 'unsupported_source' },
  });
  await t.rejects(upload(text, { base: server.base }).sent, { cause: { code: 'unauthorized' } });
  const wrong = { base: server.base, token: TOKEN, variants: ['w=0'] };
  await t.rejects(upload(await fileOf('a.jpg'), wrong).sent, { cause: { code: 'invalid_parameter' } });
});

t.test('an image that fails rejects with its status, and a signal ends the waiting', async (t) => {
  const options = { base: server.base, token: TOKEN, id: 'fails.jpg', variants: ['w=20&fmt=webp'] };
  const uploading = upload(await fileOf('fails.jpg'), options);
  const { id } = await uploading.sent;
  const record = await server.stores.records.images.get(id);
  if (!record) throw new Error('no record');
  await server.stores.records.images.update(id, record.revision, {
    status: 'failed',
    error: 'damaged_source',
  });
  await t.rejects(uploading.ready(), { message: 'damaged_source' });
  const ending = new AbortController();
  const other = upload(await fileOf('b.jpg'), { ...options, id: 'b.jpg', signal: ending.signal });
  const heard: Status[] = [];
  const ready = other.ready((status) => {
    heard.push(status);
    ending.abort(new Error('the page was left'));
  });
  await t.rejects(ready, /the page was left/);
});

/** The XMLHttpRequest of a browser, as far as an upload uses it; Node has none. */
class OverFetch {
  readonly upload = { onprogress: null };
  onload: (() => void) | null = null;
  onerror: (() => void) | null = null;
  onabort: (() => void) | null = null;
  status = 0;
  responseText = '';
  readonly #headers: Record<string, string> = {};
  readonly #ending = new AbortController();
  #url = '';

  open(_method: string, url: string): void {
    this.#url = url;
  }

  setRequestHeader(name: string, value: string): void {
    this.#headers[name] = value;
  }

  send(body: FormData): void {
    const { signal } = this.#ending;
    fetch(this.#url, { method: 'POST', body, headers: this.#headers, signal })
      .then(async (answer) => {
        this.status = answer.status;
        this.responseText = await answer.text();
        this.onload?.();
      })
      .catch(() => (signal.aborted ? this.onabort : this.onerror)?.());
  }

  abort(): void {
    this.#ending.abort();
  }
}

t.test('a page whose signal has fired already sends nothing', async (t) => {
  Object.assign(globalThis, { XMLHttpRequest: OverFetch });
  t.teardown(() => Reflect.deleteProperty(globalThis, 'XMLHttpRequest'));
  const options = { base: server.base, token: TOKEN };
  t.equal((await upload(await fileOf('c.jpg'), { ...options, id: 'c.jpg' }).sent).id, 'c.jpg');
  const signal = AbortSignal.abort(new Error('the page was left'));
  await t.rejects(upload(await fileOf('d.jpg'), { ...options, id: 'd.jpg', signal }).sent, {
    message: 'the page was left',
  });
  t.equal(await server.stores.records.images.get('d.jpg'), undefined);
  const ending = new AbortController();
  const { sent } = upload(await fileOf('e.jpg'), { ...options, id: 'e.jpg', signal: ending.signal });
  await new Promise((resolve) => setImmediate(resolve));
  ending.abort(new Error('the page was left'));
  await t.rejects(sent, { message: 'the page was left' });
});
