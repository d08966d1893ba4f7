import { loadFeeds, runFeed } from '../feeds.js';
import { ask } from './dialog.js';
import { html, nothing } from './html.js';
import { plural, problemView } from './parts.js';

/** Of a run, in the order in which they matter; those that are 0 are not said. */
const COUNTS = ['failed', 'new', 'changed', 'vanished', 'pending'];

function countsOf(run) {
  const counts = COUNTS.filter((name) => run[name] > 0).map((name) => `${run[name]} ${name}`);
  return [plural(run.seen, 'picture'), ...counts].join(', ');
}

function askToLetGo({ name, run: { held, startedAt } }) {
  ask({
    title: `Let ${plural(held.vanished, 'picture')} of ${held.of} vanish?`,
    text: `${name} does not list them any more. A feed that is empty lets nothing vanish all the same.`,
    list: held.examples,
    action: 'Let them vanish',
    isDangerous: true,
    run: () => runFeed(name, startedAt),
  });
}

function reasonsView({ reasons, failed }) {
  if (failed === 0) return nothing;
  return html`<details>
    <summary>${plural(failed, 'picture')} could not be brought in</summary>
    <ul class="ids">
      ${reasons.map(({ from, error }) => html`<li><code>${from}</code> ${error}</li>`)}
      ${failed > reasons.length ? html`<li>and ${failed - reasons.length} more</li>` : nothing}
    </ul>
  </details>`;
}

function feedView(feed, isReadOnly) {
  const { name, status, run } = feed;
  return html`<li class="feed" data-feed=${name}>
    <div class="row">
      <strong>${name}</strong> <span class=${`variant ${status}`}>${status}</span>
      ${
        isReadOnly
          ? nothing
          : html`<button type="button" class="plain" @click=${() => runFeed(name)}>
              Run<span class="hidden"> ${name}</span> now
            </button>`
      }
    </div>
    ${run ? html`<p class="quiet">${run.error ?? countsOf(run)}</p>${reasonsView(run)}` : nothing}
    ${
      run?.held
        ? html`<button type="button" class="danger" @click=${() => askToLetGo(feed)}>
            ${plural(run.held.vanished, 'picture')} of ${run.held.of} held: look
          </button>`
        : nothing
    }
  </li>`;
}

/** How the feeds are, below the pictures that they bring in. */
export function feedsView({ feeds, form }) {
  if (feeds.items.length === 0 && !feeds.error) return nothing;
  return html`<section class="feeds" aria-labelledby="feeds-title">
    <div class="row">
      <h3 id="feeds-title">Feeds</h3>
      <button type="button" class="plain" @click=${loadFeeds}>Look again</button>
    </div>
    ${problemView(feeds.error && { title: 'The list of feeds cannot be read', detail: feeds.error })}
    <ul class="list">
      ${feeds.items.map((feed) => feedView(feed, form.isReadOnly))}
    </ul>
  </section>`;
}
