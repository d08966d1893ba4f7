import { loadFeeds } from '../feeds.js';
import { loadCollections, loadLibrary } from '../library.js';
import { loadImage, loadPresets, show } from '../picture.js';
import { storeToken, update } from '../store.js';
import { html } from './html.js';

async function useToken(event) {
  event.preventDefault();
  const token = new FormData(event.target).get('token').trim();
  storeToken(token);
  update({ locked: undefined });
  await Promise.all([loadLibrary(), loadCollections().catch(() => undefined), loadFeeds()]);
  await Promise.all([loadImage(), loadPresets(), show()]);
}

/** Kept until the tab is closed, and sent to this server alone. */
export const tokenView = ({ locked, token }) =>
  html`<form class="token" aria-label="Access to the API" @submit=${useToken}>
    <p role="alert">${locked}</p>
    <label for="token">API token</label>
    <input id="token" name="token" type="password" autocomplete="off" required .value=${token} />
    <button type="submit" class="main">Use</button>
    <p class="quiet">A token with scope <code>write</code> uploads, deletes and signs; one with <code>read</code> looks. It stays in this tab.</p>
  </form>`;
