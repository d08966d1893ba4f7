/** What a shop's own page does with a presigned upload; the tests call it in a browser. */

/** Listening to the upload, as a progress bar does, makes the browser ask beforehand. */
export async function upload({ url, fields, base64 }) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  const file = await (await fetch(`data:image/jpeg;base64,${base64}`)).blob();
  body.append('file', file, 'a.jpg');
  const request = new XMLHttpRequest();
  const progress = [];
  request.upload.onprogress = ({ loaded, total }) => progress.push(loaded / total);
  const ended = new Promise((resolve) => {
    request.onloadend = resolve;
  });
  request.open('POST', url);
  request.send(body);
  await ended;
  return { status: request.status, progress };
}

/** Every status that an EventSource hears, up to the last one. */
export function listen(url) {
  return new Promise((resolve, reject) => {
    const heard = [];
    const source = new EventSource(url);
    source.addEventListener('status', ({ data }) => {
      heard.push(JSON.parse(data).status);
      if (heard.at(-1) !== 'completed') return;
      source.close();
      resolve(heard);
    });
    source.onerror = () => reject(new Error(`the stream ended after ${heard}`));
  });
}

/** Status of an answer, or what the browser says where the page may not read it. */
export function status({ url, init }) {
  return fetch(url, init).then((answer) => answer.status, String);
}

export async function shown(url) {
  const answer = await fetch(url);
  return [answer.status, answer.headers.get('x-image-width'), answer.headers.get('etag')];
}

export function submit(url) {
  const form = document.createElement('form');
  form.method = 'post';
  form.action = url;
  document.body.append(form);
  form.submit();
}
