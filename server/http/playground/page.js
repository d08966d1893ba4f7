/** The playground: what the library, the picture and the form show is drawn anew whenever the state changes. */
import { loadFeeds } from './feeds.js';
import { loadCollections, loadLibrary } from './library.js';
import { startNavigation } from './navigation.js';
import { explainAgain, loadImage, loadPresets } from './picture.js';
import { current, onChange, update } from './store.js';
import { filesOf } from './uploads.js';
import { render } from './views/html.js';
import { shell } from './views/shell.js';
import { take } from './views/uploads.js';

function takesFiles() {
  const { form } = current();
  return form && form.api !== 'none' && !form.isReadOnly;
}

/** Files may be dropped and pasted wherever one is. */
function listenForFiles() {
  addEventListener('dragover', (event) => {
    if (!takesFiles() || !event.dataTransfer.types.includes('Files')) return;
    event.preventDefault();
    document.body.classList.add('is-dropping');
  });
  addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) document.body.classList.remove('is-dropping');
  });
  addEventListener('drop', (event) => {
    document.body.classList.remove('is-dropping');
    if (!takesFiles()) return;
    event.preventDefault();
    take(filesOf(event.dataTransfer));
  });
  addEventListener('paste', (event) => {
    if (takesFiles()) take(filesOf(event.clipboardData));
  });
}

async function start() {
  const root = document.getElementById('app');
  onChange((state) => {
    document.title = state.id ? `${state.id} · Rendition` : 'Rendition';
    render(shell(state), root);
  });
  const form = await (await fetch('/playground/form.json')).json();
  const fields = new Map(form.groups.flatMap(({ parameters }) => parameters.map((row) => [row.key, row])));
  const presets = form.presets.map(({ name }) => name);
  update({ form, fields, uploading: { ...current().uploading, presets } });
  listenForFiles();
  startNavigation();
  await loadLibrary();
  // What a token opens is known by now.
  if (!current().isReached) return;
  await Promise.all([loadImage(), loadPresets(), explainAgain(), loadCollections(), loadFeeds()]);
}

start();
