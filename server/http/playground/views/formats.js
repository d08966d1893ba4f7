/** AVIF, WebP and JPEG at 1:1, moved together: the eye compares the same spot. */
import { loadFormats } from '../formats.js';
import { current } from '../store.js';
import { html, nothing } from './html.js';
import { kilobytes, problemView } from './parts.js';

function moveTogether({ currentTarget }) {
  const { scrollLeft, scrollTop } = currentTarget;
  for (const other of document.querySelectorAll('.format .window')) {
    if (other === currentTarget) continue;
    other.scrollLeft = scrollLeft;
    other.scrollTop = scrollTop;
  }
}

const NAMES = { avif: 'AVIF', webp: 'WebP', jpeg: 'JPEG' };

function formatView({ format, src, bytes, share, ms, tier, ssim, width, height }) {
  const percent = Math.round(share * 100);
  return html`<figure class="format">
    <figcaption>
      <b>${NAMES[format]}</b>
      <span>${kilobytes(bytes)}</span>
      <meter min="0" max="1" .value=${share} aria-label=${`${format}: ${percent} % of the largest`}></meter>
      <span>SSIM ${ssim === undefined ? 'not measured' : ssim.toFixed(4)}</span>
      <span class="quiet">${ms.toFixed(0)} ms${tier ? `, ${tier}` : ''}</span>
    </figcaption>
    <div class="window" tabindex="0" role="region" aria-label=${`${format} at 1:1`} @scroll=${moveTogether}>
      <img src=${src} alt=${`As ${format}`} width=${width || nothing} height=${height || nothing} />
    </div>
  </figure>`;
}

export function formatsView() {
  queueMicrotask(loadFormats);
  const { formats } = current();
  if (!formats || formats.isBusy)
    return html`<div class="formats" aria-busy="true">
      ${[1, 2, 3].map(() => html`<figure class="format"><figcaption> </figcaption><div class="window"></div></figure>`)}
    </div>`;
  return html`${problemView(formats.problem)}
    <div class="formats">${formats.items.map(formatView)}</div>
    <p class="quiet">
      One pixel of the picture is one of the page; the three move together. SSIM is against the same picture as a
      lossless PNG: 1 is the same, below 0.95 one sees it.
    </p>`;
}
