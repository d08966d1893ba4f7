/** The form: one control for each row of the parameter table. */

export function element(tag, properties = {}, ...children) {
  const { dataset = {}, aria = {}, ...plain } = properties;
  const made = Object.assign(document.createElement(tag), plain);
  Object.assign(made.dataset, dataset);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
  made.append(...children);
  return made;
}

/** A slider needs a place to stand when nothing is given, and a range that a hand can hit. */
const slides = ({ control: { kind, min, max }, fallback }) =>
  kind === 'number' && max - min <= 400 && fallback !== undefined;

function select({ key, fallback }, id, values) {
  const unset = fallback === undefined ? '' : `${fallback} (default)`;
  const options = values.filter((value) => value !== fallback).map((value) => new Option(value, value));
  return element('select', { id, name: key }, new Option(unset, ''), ...options);
}

function pair(main, other, toOther, toMain) {
  main.addEventListener('input', () => {
    other.value = toOther(main.value);
  });
  other.addEventListener('input', () => {
    main.value = toMain(other.value);
    main.dispatchEvent(new Event('change', { bubbles: true }));
  });
  return [main, other];
}

function numbers(parameter, id) {
  const { key, fallback, control } = parameter;
  const { min, max, step } = control;
  const box = element('input', {
    id,
    name: key,
    type: 'number',
    max,
    step: 'any',
    placeholder: fallback ?? '',
  });
  // The value that means "off" may lie below the range: 0 of a blur that begins at 0.3.
  box.min = Math.min(min, Number(fallback ?? min));
  if (!slides(parameter)) return [box];
  const range = element('input', {
    type: 'range',
    min: box.min,
    max,
    step,
    value: fallback,
    aria: { label: key },
  });
  range.defaultValue = fallback;
  return pair(
    box,
    range,
    (value) => value || fallback,
    (value) => (Number(value) !== 0 && Number(value) < min ? String(min) : value),
  );
}

function colors({ key, fallback }, id) {
  const text = element('input', { id, name: key, placeholder: fallback ?? 'ffd700', spellcheck: false });
  const well = element('input', { type: 'color', value: '#ffd700', aria: { label: `Pick ${key}` } });
  const full = (value) => (/^[0-9a-f]{6}$/i.test(value) ? `#${value}` : well.value);
  return pair(text, well, full, (value) => value.slice(1));
}

function inputs(parameter, id) {
  const { key, fallback, control } = parameter;
  switch (control.kind) {
    case 'flag':
      return fallback === '0'
        ? [element('input', { id, name: key, type: 'checkbox', value: '1' })]
        : [select(parameter, id, ['1', '0'])];
    case 'choice':
      return [select(parameter, id, control.values)];
    case 'number':
      return numbers(parameter, id);
    case 'color':
      return colors(parameter, id);
    default:
      return [element('input', { id, name: key, placeholder: fallback ?? '', spellcheck: false })];
  }
}

function field(parameter) {
  const { key, aliases, doc, allowed, unset } = parameter;
  const id = `p-${key}`;
  const controls = inputs(parameter, id);
  controls[0].setAttribute('aria-describedby', `${id}-doc`);
  const label = element('label', { htmlFor: id, textContent: key, title: aliases.join(', ') });
  const told = unset ? `${doc} Default: ${unset}.` : doc;
  const help = element('small', { id: `${id}-doc`, textContent: told, title: `Allowed: ${allowed}` });
  return element('div', { className: 'field' }, label, element('span', {}, ...controls), help);
}

const OPEN_AT_FIRST = new Set(['resize', 'encode']);

/** Groups in the order of work, the two that everybody uses in front. */
export function drawForm(groups, operations) {
  const first = ({ name }) => (OPEN_AT_FIRST.has(name) ? 0 : 1);
  for (const { name, summary, parameters } of [...operations].sort((a, b) => first(a) - first(b))) {
    const title = element('summary', {}, element('b', { textContent: name }), ` ${summary}`);
    groups.append(
      element(
        'details',
        { open: OPEN_AT_FIRST.has(name), dataset: { operation: name } },
        title,
        ...parameters.map(field),
      ),
    );
  }
}

/** Keeps what may stand in a query as it is: 16:9 and 1,2,3. */
const encode = (value) => encodeURIComponent(value).replaceAll('%2C', ',').replaceAll('%3A', ':');

/** Pairs that differ from their defaults, in the order of the form. */
export function readForm(form, fallbacks) {
  return [...new FormData(form)].filter(([key, value]) => value !== '' && value !== fallbacks.get(key));
}

export const queryOf = (pairs) => pairs.map(([key, value]) => `${key}=${encode(value)}`).join('&');

/** Puts a query into the form; keys that it does not know are left out. */
export function fillForm(form, query) {
  for (const [key, value] of new URLSearchParams(query)) {
    const input = form.elements[key];
    if (!input) continue;
    if (input.type === 'checkbox') input.checked = ['', '1', 'true'].includes(value);
    else input.value = value;
    input.dispatchEvent(new Event('input'));
    const group = input.closest('details');
    if (group) group.open = true;
  }
}

/** Id and query of `#<id>?<query>`. A link may come from anywhere: a broken escape stays as it is. */
export function readLink(hash) {
  const [id, query = ''] = hash.replace(/^#/, '').split(/\?(.*)/s);
  return [id.replace(/(%[0-9a-f]{2})+/gi, decoded), query];
}

function decoded(escaped) {
  try {
    return decodeURIComponent(escaped);
  } catch {
    return escaped;
  }
}
