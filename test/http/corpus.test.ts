import t from 'tap';
import { corpus, corpusRows } from '../support/corpus.ts';
import { addressOf } from '../support/ports.ts';
import { bytesOf, problemOf, startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { corpusOverHttp } from './corpus.ts';

/** The last of each folder and outcome; all of them are in the long form, and in `test/corpus` without HTTP. */
const SAMPLE = [
  ...new Map(corpusRows().map((row) => [`${row.file.split('/')[0]} ${row.outcome}`, row] as const)).values(),
];

t.test('files of the corpus give a picture or a plain reason over HTTP', (t) => corpusOverHttp(t, SAMPLE));

t.test('re-encodes always: nothing that was appended to a file comes out again', async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  await server.put('polyglot.gif', await corpus('corrupt/gif-html-polyglot.gif'));
  await server.put('zip.jpg', await corpus('corrupt/jpeg-trailing-zip.jpg'));
  const gif = await bytesOf(await server.get('/img/polyglot.gif?fmt=source'));
  const jpeg = await bytesOf(await server.get('/img/zip.jpg?fmt=source'));
  t.notMatch(gif.toString('latin1'), /<(html|script)/i);
  t.notOk(jpeg.includes('PK\u0005\u0006'));
});

t.test('stops an SVG that would draw for ever, and draws the next one', async (t) => {
  const server = await startServer({ SVG_MS: '700' });
  t.teardown(() => server.close());
  const use = (level: number) => `<g id="l${level}">${`<use href="#l${level - 1}"/>`.repeat(12)}</g>`;
  const levels = Array.from({ length: 9 }, (_, index) => use(index + 1)).join('');
  const bomb = `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"><defs><rect id="l0" width="9" height="9"/>${levels}</defs><use href="#l9"/></svg>`;
  const heavy = `<svg xmlns="http://www.w3.org/2000/svg" width="4000" height="4000"><filter id="f"><feTurbulence baseFrequency="0.9" numOctaves="200"/><feGaussianBlur stdDeviation="900"/></filter><rect width="4000" height="4000" filter="url(#f)"/></svg>`;
  await server.put('bomb.svg', Buffer.from(bomb));
  await server.put('heavy.svg', Buffer.from(heavy));
  await server.put('plain.svg', await corpus('samples/drop-shadow.svg'));
  const heavyAnswer = await server.get('/img/heavy.svg?w=4000&fmt=png');
  // On a machine that gave it no processor, the request was late; else the drawing is to blame.
  t.match((await problemOf(heavyAnswer))['code'], /^(unrenderable|deadline)$/);
  const bombAnswer = await server.get('/img/bomb.svg?w=900&fmt=png');
  t.ok([422, 504].includes(bombAnswer.status), `use bomb: ${bombAnswer.status}`);
  // In no more time than the others had: beside much else it may take several tries.
  await waitFor(async () => (await server.get('/img/plain.svg?w=50&fmt=png')).status === 200);
});

t.test('fetches nothing that an SVG points at', async (t) => {
  const http = await import('node:http');
  let asked = 0;
  const bait = http.createServer((_request, response) => {
    asked += 1;
    response.end();
  });
  await new Promise<void>((resolve) => bait.listen(0, '127.0.0.1', resolve));
  t.teardown(() => bait.close());
  const { port } = addressOf(bait);
  const server = await startServer();
  t.teardown(() => server.close());
  const secret = new URL('../../package.json', import.meta.url).pathname;
  const svg = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file://${secret}">]><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="90" height="90"><image width="90" height="90" xlink:href="http://127.0.0.1:${port}/a.png"/><image width="90" height="90" xlink:href="file://${secret}"/><style>@import url("http://127.0.0.1:${port}/a.css");</style></svg>`;
  await server.put('bait.svg', Buffer.from(svg));
  const answer = await server.get('/img/bait.svg?w=90&fmt=png');
  t.ok([200, 422].includes(answer.status), String(answer.status));
  t.equal(asked, 0);
});
