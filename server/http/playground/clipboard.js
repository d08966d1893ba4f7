import { current, say, update } from './store.js';

const SHOWN_MS = 2500;

/**
 * Browsers let pages copy over HTTPS and from localhost; elsewhere the text is selected, for a hand to copy.
 *
 * @param name  id of the element with the text: its button says what became of it
 */
export async function copy(name, text) {
  const isDone = await navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  if (!isDone) getSelection().selectAllChildren(document.getElementById(name));
  const said = isDone ? 'Copied.' : 'The browser did not allow copying; the text is selected.';
  update({ copied: isDone ? name : `!${name}` });
  say(said);
  setTimeout(() => {
    if (current().copied.endsWith(name)) update({ copied: '' });
  }, SHOWN_MS);
}
