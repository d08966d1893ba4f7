import { html, nothing } from './html.js';
import { kilobytes } from './parts.js';

const isOver = ({ status }) => ['ready', 'failed', 'skipped', 'expired'].includes(status);

/** How far what was asked for is: of `p=card` one variant for each format that a browser may take. */
function stateOf(variants) {
  if (variants.some(({ status }) => status === 'failed')) return 'failed';
  return variants.every(isOver) ? 'ready' : 'queued';
}

function requestView({ requested, variants }) {
  const done = variants.filter(isOver).length;
  return html`<li class=${`variant ${stateOf(variants)}`}>
    <code>${requested || 'the original size'}</code><span>${done} of ${variants.length}</span>
  </li>`;
}

function variantView({ variant, status, bytes, error }) {
  const word = status === 'ready' && bytes ? kilobytes(bytes) : status;
  return html`<li class=${`variant ${status}`} title=${error ?? nothing}><code>${variant}</code><span>${word}</span></li>`;
}

/** What was asked for, and each variant of it. */
export function variantsView({ variants = [], requests = [] }) {
  if (variants.length === 0) return nothing;
  const byName = new Map(variants.map((one) => [one.variant, one]));
  const asked = requests.map(({ requested, variants: names }) => ({
    requested,
    variants: names.map((name) => byName.get(name)).filter(Boolean),
  }));
  return html`${asked.length ? html`<ul class="variants">${asked.map(requestView)}</ul>` : nothing}
    <details>
      <summary>Each of the ${variants.length} variants</summary>
      <ul class="variants">
        ${variants.map(variantView)}
      </ul>
    </details>`;
}

/** From 0 to 1. */
export const shareDone = (variants) =>
  variants.length ? variants.filter(isOver).length / variants.length : 0;
