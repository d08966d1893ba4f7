/** One control for each row of the parameter table, grouped by what a person wants. */
import { replaceParams, setParams } from '../navigation.js';
import { current, update } from '../store.js';
import { html, live, nothing } from './html.js';
import { icon, typed } from './parts.js';
import { presetsView } from './presets.js';

/** A slider needs a place to stand when nothing is set, and a range that a hand can hit. */
const hasSlider = ({ control: { kind, min, max }, fallback }) =>
  kind === 'number' && max - min <= 400 && fallback !== undefined;

const idOf = ({ key }) => `param-${key}`;
const docOf = ({ key }) => `doc-${key}`;

const set =
  ({ key }) =>
  (event) =>
    setParams({ [key]: event.target.value });

function selectView(parameter, value, values) {
  const { fallback } = parameter;
  const first = fallback === undefined ? 'not set' : `${fallback} (default)`;
  const others = values.filter((other) => other !== fallback);
  return html`<select id=${idOf(parameter)} aria-describedby=${docOf(parameter)} @change=${set(parameter)}>
    <option value="" ?selected=${!value}>${first}</option>
    ${others.map((other) => html`<option value=${other} ?selected=${other === value}>${other}</option>`)}
    ${value && !values.includes(value) ? html`<option value=${value} selected>${value}</option>` : nothing}
  </select>`;
}

function sliderView(parameter, value) {
  const { label, fallback, control } = parameter;
  // The value that means "off" may lie below the range: 0 of a blur that begins at 0.3.
  const min = Math.min(control.min, Number(fallback));
  const slide = ({ target }) => {
    const chosen = Number(target.value);
    const inRange = chosen !== Number(fallback) && chosen < control.min ? control.min : chosen;
    setParams({ [parameter.key]: String(inRange) });
  };
  return html`<input
    type="range"
    min=${min}
    max=${control.max}
    step=${control.step}
    aria-label=${`${label}, slider`}
    .value=${live(value ?? fallback)}
    @input=${slide}
  />`;
}

function numberView(parameter, value) {
  const { fallback, control } = parameter;
  return html`${hasSlider(parameter) ? sliderView(parameter, value) : nothing}
    <input
      id=${idOf(parameter)}
      type="number"
      inputmode="decimal"
      min=${Math.min(control.min, Number(fallback ?? control.min))}
      max=${control.max}
      step="any"
      placeholder=${fallback ?? 'auto'}
      aria-describedby=${docOf(parameter)}
      .value=${typed(idOf(parameter), value)}
      @input=${set(parameter)}
    />`;
}

const HEX = /^[0-9a-f]{6}$/i;

function colorView(parameter, value) {
  const { key, label, fallback } = parameter;
  return html`<input
      type="color"
      aria-label=${`${label}, picker`}
      .value=${live(HEX.test(value ?? '') ? `#${value}` : '#ffffff')}
      @input=${({ target }) => setParams({ [key]: target.value.slice(1) })}
    />${textView(parameter, value, fallback ?? 'ffd700')}`;
}

function textView(parameter, value, placeholder) {
  return html`<input
    id=${idOf(parameter)}
    type="text"
    spellcheck="false"
    autocomplete="off"
    placeholder=${placeholder}
    aria-describedby=${docOf(parameter)}
    .value=${typed(idOf(parameter), value)}
    @input=${set(parameter)}
  />`;
}

function switchView(parameter, value) {
  return html`<input
    id=${idOf(parameter)}
    type="checkbox"
    class="switch"
    aria-describedby=${docOf(parameter)}
    .checked=${live(['1', 'true', ''].includes(value))}
    @change=${({ target }) => setParams({ [parameter.key]: target.checked ? '1' : undefined })}
  />`;
}

function inputView(parameter, value) {
  const { fallback, control } = parameter;
  switch (control.kind) {
    case 'flag':
      return fallback === '0' ? switchView(parameter, value) : selectView(parameter, value, ['1', '0']);
    case 'choice':
      return selectView(parameter, value, control.values);
    case 'number':
      return numberView(parameter, value);
    case 'color':
      return colorView(parameter, value);
    default:
      return textView(parameter, value, fallback ?? '');
  }
}

function fieldView(parameter, { params, problem, explained }) {
  const { key, label, doc, unset, allowed, control } = parameter;
  const value = params[key];
  const isWrong = problem?.param === key || parameter.aliases.includes(problem?.param);
  const isIdle = value !== undefined && explained?.withoutEffect?.includes(key);
  const isShort = control.kind === 'number' && !hasSlider(parameter);
  return html`<div class=${`field ${isShort ? 'half' : ''} ${value === undefined ? '' : 'is-set'} ${isWrong ? 'is-wrong' : ''}`} data-field=${key}>
    <div class="row">
      <label for=${idOf(parameter)}>${label}</label>
      <code title=${`Allowed: ${allowed}`}>${key}</code>
      ${isIdle ? html`<span class="idle">no effect here</span>` : nothing}
      ${
        value === undefined
          ? nothing
          : html`<button type="button" class="reset" aria-label=${`Reset ${label}`} @click=${() => setParams({ [key]: undefined })}>
              ${icon('close')}
            </button>`
      }
    </div>
    <div class="input">${inputView(parameter, value)}</div>
    <small id=${docOf(parameter)}>
      ${doc}${unset ? ` Default: ${unset}.` : ''}
    </small>
  </div>`;
}

function fold(name, isOpen) {
  const openGroups = new Set(current().openGroups);
  if (openGroups.has(name) === isOpen) return;
  if (isOpen) openGroups.add(name);
  else openGroups.delete(name);
  update({ openGroups });
}

function groupView({ name, title, parameters }, state) {
  const shown = parameters.filter(({ key }) => key !== 'p');
  const count = shown.filter(({ key }) => state.params[key] !== undefined).length;
  return html`<details
    class="group"
    ?open=${state.openGroups.has(name)}
    data-group=${name}
    @toggle=${({ target }) => fold(name, target.open)}
  >
    <summary><b>${title}</b>${count ? html`<span class="count">${count} set</span>` : nothing}</summary>
    <div class="fields">${shown.map((parameter) => fieldView(parameter, state))}</div>
  </details>`;
}

export function controlsView(state) {
  const { form, params } = state;
  const isEmpty = Object.keys(params).length === 0;
  return html`<form id="controls" class="controls" aria-labelledby="controls-title" @submit=${(event) => event.preventDefault()}>
    <div class="row">
      <h2 id="controls-title">Adjust</h2>
      <button type="button" class="plain" ?disabled=${isEmpty} @click=${() => replaceParams({})}>Reset all</button>
    </div>
    ${presetsView(state)}
    ${
      form.isPresetsOnly
        ? html`<p class="quiet">This deployment serves presets only, in any format and density.</p>
            ${presetFields(state)}`
        : form.groups.map((group) => groupView(group, state))
    }
  </form>`;
}

/** What may stand beside a preset where nothing else is served. */
const BESIDE_PRESETS = ['dpr', 'fmt', 'dl'];

const presetFields = (state) =>
  BESIDE_PRESETS.map((key) => state.fields.get(key)).map((parameter) => fieldView(parameter, state));
