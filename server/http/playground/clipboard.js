import { current, update } from './store.js';

const SHOWN_MS = 2500;

/** @param name  of what is copied: the button of that name says so */
export async function copy(name, text) {
  const isDone = await navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  const said = isDone ? 'Copied.' : 'The browser did not allow copying; select the text instead.';
  update({ copied: isDone ? name : `!${name}`, said });
  setTimeout(() => {
    if (current().copied.endsWith(name)) update({ copied: '' });
  }, SHOWN_MS);
}
