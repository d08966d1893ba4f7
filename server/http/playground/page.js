import { drawForm, element, fillForm, queryOf, readForm, readLink } from './form.js';
import { compare, facts, load, snippet, stage } from './views.js';

const $ = (id) => document.getElementById(id);
const form = $('controls');
const fallbacks = new Map();
let running = new AbortController();
let timer;

/** A call of the management API, with the token where one was given; asks for one where it is wanted. */
async function api(path, init = {}) {
  const token = $('token').value;
  const headers = { ...init.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(path, { ...init, headers });
  if (answer.status === 401) $('closed').hidden = false;
  return answer;
}

/** As the server writes it: an id is what the bucket calls it, blanks at its ends too. */
const pathOfId = (id) => id.split('/').map(encodeURIComponent).join('/');
const pathOf = (pairs) => `/img/${pathOfId($('id').value)}${pairs.length ? `?${queryOf(pairs)}` : ''}`;

async function show() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const id = $('id').value.trim();
  const pairs = readForm(form, fallbacks);
  history.replaceState(null, '', `#${pathOfId(id)}${pairs.length ? `?${queryOf(pairs)}` : ''}`);
  if (!id) return;
  $('url').textContent = location.origin + pathOf(pairs);
  document.body.classList.add('busy');
  try {
    const loaded = await load(pathOf(pairs), signal);
    if (!tell(loaded.problem)) await picture(loaded, id, pairs);
    await Promise.all([explain(id, pairs, signal), formats(pairs, signal)]);
  } catch (error) {
    if (error.name !== 'AbortError') tell({ title: 'No answer', detail: String(error.message) });
  } finally {
    if (!signal.aborted) document.body.classList.remove('busy');
  }
}

async function picture(loaded, id, pairs) {
  await stage($('stage'), loaded, `${id}, transformed`);
  facts($('facts'), loaded);
  const width = loaded.headers.get('x-image-width');
  const size = width ? { width, height: loaded.headers.get('x-image-height') } : undefined;
  $('snippet').textContent = snippet((list) => location.origin + pathOf(list), pairs, size);
}

/** Shows a problem at the page and at its parameter; says whether there was one. */
function tell(problem) {
  for (const input of form.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid');
  $('problem').hidden = !problem;
  $('result').classList.toggle('failed', Boolean(problem));
  if (!problem) return false;
  const { status = '', title, detail, hint } = problem;
  $('problem').replaceChildren(
    element('b', { textContent: `${status} ${title}. ` }),
    `${detail} ${hint ?? ''}`,
  );
  const input = problem.param ? form.elements[problem.param] : undefined;
  input?.setAttribute?.('aria-invalid', 'true');
  return true;
}

async function explain(id, pairs, signal) {
  const headers = { Accept: 'image/avif,image/webp' };
  const answer = await api(`/api/explain/${pathOfId(id)}?${queryOf(pairs)}`, { headers, signal });
  const told = await answer.json();
  $('explain').textContent = JSON.stringify(told, null, 2);
  if (told.canonical === undefined) return;
  const line = element('div', { className: 'whole' });
  line.append(
    element('dt', { textContent: 'Canonical form' }),
    element('dd', { textContent: told.canonical || '(the original size)' }),
  );
  if (told.withoutEffect)
    line.append(element('dd', { textContent: `Without effect here: ${told.withoutEffect.join(', ')}` }));
  $('facts').querySelector('.whole')?.remove();
  $('facts').append(line);
}

async function formats(pairs, signal) {
  if (!$('compare').open) return;
  const others = pairs.filter(([key]) => key !== 'fmt');
  await compare($('formats'), (format) => pathOf([...others, ['fmt', format]]), signal);
}

/** Ids that the management API lists, which may want a token or not be there, and the samples that are. */
async function knownIds(samples) {
  const answer = await api('/api/images?limit=100').catch(() => undefined);
  const { items = [] } = answer?.ok ? await answer.json() : {};
  const listed = new Set(items.map(({ id }) => id));
  const others = samples.filter((id) => !listed.has(id));
  const heads = others.map(
    async (id) => (await fetch(`/img/${pathOfId(id)}?w=1`, { method: 'HEAD' })).status,
  );
  const statuses = await Promise.all(heads);
  return [...listed, ...others.filter((_id, at) => statuses[at] !== 404)];
}

function drawThumbs(ids) {
  $('ids').replaceChildren(...ids.map((id) => element('option', { value: id })));
  $('none').hidden = ids.length > 0;
  const thumbs = ids.slice(0, 12).map((id) => {
    const image = element('img', {
      src: `/img/${pathOfId(id)}?w=56&h=56&fit=cover&dpr=2`,
      alt: id,
      width: 56,
      height: 56,
    });
    const button = element('button', { type: 'button', title: id }, image);
    button.addEventListener('click', () => {
      $('id').value = id;
      show();
    });
    return button;
  });
  $('thumbs').replaceChildren(...thumbs);
}

/** `#<id>?<query>`, so that what is shown can be sent to somebody. */
function readHash(first) {
  const [id, query] = readLink(location.hash);
  $('id').value = id || first;
  fillForm(form, id ? query : 'w=640');
}

const soon = () => {
  clearTimeout(timer);
  timer = setTimeout(show, 200);
};

async function copy({ currentTarget }) {
  const text = $(currentTarget.dataset.copy).textContent;
  const done = await navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  $('said').textContent = done ? 'Copied.' : 'The browser did not allow copying; select the text instead.';
}

async function main() {
  const { operations, samples } = await (await fetch('/playground/form.json')).json();
  for (const { parameters } of operations)
    for (const { key, fallback } of parameters) fallbacks.set(key, fallback);
  drawForm($('groups'), operations);
  const ids = await knownIds(samples);
  drawThumbs(ids);
  readHash(ids[0] ?? '');
  $('closed').addEventListener('submit', async (event) => {
    event.preventDefault();
    drawThumbs(await knownIds(samples));
    await show();
  });
  form.addEventListener('input', soon);
  form.addEventListener('change', soon);
  form.addEventListener('reset', soon);
  form.addEventListener('submit', (event) => event.preventDefault());
  $('id').addEventListener('change', show);
  $('compare').addEventListener('toggle', show);
  addEventListener('hashchange', () => {
    form.reset();
    readHash('');
    show();
  });
  for (const button of document.querySelectorAll('[data-copy]')) button.addEventListener('click', copy);
  await show();
}

main();
