/** Lists of pictures elsewhere, as their watcher has left them. */
import { api } from './api.js';
import { patch, say } from './store.js';

/** Shows what the last runs came to; a deployment without feeds shows nothing. */
export async function loadFeeds() {
  try {
    const { items, error } = await api.feeds();
    patch('feeds', { items, error: error ?? undefined });
  } catch {
    // The library says already why there is no answer.
    patch('feeds', { items: [] });
  }
}

/** @param heldBy  start of the run whose held pictures, which were shown, may vanish; absent: none */
export async function runFeed(name, heldBy) {
  await api.runFeed(name, heldBy);
  say(`${name} runs in a moment.`);
  await loadFeeds();
}
