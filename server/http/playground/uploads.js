/** Files on their way: sent with progress, then followed until every variant is there. */
import { authorization, lockOn, readProblem } from './api.js';
import { FINISHED, follow } from './events.js';
import { loadCollections, refreshLibrary } from './library.js';
import { current, say, update } from './store.js';

/** At a time: a browser opens six connections, and pictures want some of them. */
const LANES = 3;

/** What an upload has come to, as it is said. */
const ENDINGS = {
  completed: 'is ready',
  partial: 'is ready, but for some variants',
  failed: 'failed',
};

let last = 0;
let running = 0;
const waiting = [];

function change(key, part) {
  const uploads = current().uploads.map((upload) => (upload.key === key ? { ...upload, ...part } : upload));
  update({ uploads });
}

/** @param options  `folder` before the file's name as the id, or undefined for a made-up id; `variants` to be made */
export function addFiles(files, options) {
  const { maxUploadBytes } = current().form;
  const added = [...files].map((file) => {
    last += 1;
    const isTooLarge = file.size > maxUploadBytes;
    const detail = `The file has ${file.size} bytes; this deployment takes ${maxUploadBytes}.`;
    return {
      key: last,
      name: file.name,
      size: file.size,
      sent: 0,
      status: isTooLarge ? 'failed' : 'waiting',
      problem: isTooLarge ? { title: 'Too large', detail } : undefined,
      variants: [],
      file,
    };
  });
  update({ uploads: [...added, ...current().uploads] });
  for (const { name, problem } of added) if (problem) say(`${name} was refused: ${problem.detail}`);
  for (const upload of added) if (!upload.problem) waiting.push(() => send(upload, options));
  startNext();
}

function startNext() {
  while (running < LANES && waiting.length > 0) {
    running += 1;
    waiting
      .shift()()
      .finally(() => {
        running -= 1;
        startNext();
      });
  }
}

async function send({ key, file, name }, { folder, variants }) {
  change(key, { status: 'sending' });
  const data = new FormData();
  if (folder !== undefined) data.append('id', `${folder.replace(/\/*$/, folder ? '/' : '')}${name}`);
  data.append('title', name.slice(0, 200));
  const { collection } = current().library;
  if (collection) data.append('collection', collection);
  if (variants.length > 0) data.append('variants', JSON.stringify(variants));
  data.append('file', file, name);
  const answer = await post(data, (sent) => change(key, { sent }));
  if (answer.problem) {
    lockOn(answer.problem);
    change(key, { status: 'failed', problem: answer.problem });
    say(`${name} was refused: ${answer.problem.detail}`);
    return;
  }
  const { id, status } = answer.body;
  const { variants: asked, requests } = answer.body;
  change(key, { id, status, sent: file.size, variants: asked, requests, file: undefined });
  say(`${name} is uploaded.`);
  refreshLibrary();
  if (collection) loadCollections();
  // The lane is free for the next file meanwhile.
  followUpload(key, id, name);
}

async function followUpload(key, id, name) {
  let ending;
  const onStatus = (seen) => {
    ending = ENDINGS[seen.status];
    change(key, seen);
  };
  await follow(id, onStatus, new AbortController().signal);
  if (ending) say(`${name} ${ending}.`);
  await refreshLibrary();
}

/** A fetch tells nothing of the bytes that have gone out. */
function post(data, onProgress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.upload.addEventListener('progress', ({ loaded }) => onProgress(loaded));
    request.addEventListener('load', () => {
      const { status, responseText } = request;
      if (status < 300) resolve({ body: JSON.parse(responseText) });
      else resolve({ problem: readProblem(status, responseText) });
    });
    request.addEventListener('error', () =>
      resolve({ problem: { title: 'No answer', detail: 'The connection broke off. Is the server there?' } }),
    );
    request.open('POST', '/api/images');
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.send(data);
  });
}

export function clearUploads() {
  const isOpen = ({ status }) => !FINISHED.includes(status);
  update({ uploads: current().uploads.filter(isOpen) });
}

/** Of what was dropped or pasted. */
export const filesOf = (transfer) => [...(transfer?.files ?? [])];
