/** Addresses of small pictures, under the keys that the state has them by. */
import { addressesOf } from './signing.js';
import { current, update } from './store.js';

/** @param asked  `[key, [id, query]]`; where the API does not sign for us, there is a frame without a picture */
export async function loadThumbnails(asked) {
  const addresses = await addressesOf(asked.map(([, address]) => address)).catch(() => []);
  const loaded = asked.map(([key], index) => [key, addresses[index]]);
  update({ thumbnails: { ...current().thumbnails, ...Object.fromEntries(loaded) } });
}
