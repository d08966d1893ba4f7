import { type Call, type Content, callsOf, type Document, type Schema } from './document.ts';
import { type Html, html, prose, table } from './html.ts';
import { propertiesOf, typeOf } from './schema.ts';

/** A page of all calls, made of the document alone: without a script, so that everything can be read and found. */
export function referencePage(document: Document): string {
  const { info, tags, components } = document;
  const calls = callsOf(document);
  const groups = tags.map(({ name, description }) => ({
    name,
    description,
    calls: calls.filter(({ operation }) => operation.tags[0] === name),
  }));
  const schemas = Object.entries(components.schemas).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const nav = groups.map(
    (group) => html`<li><a href="#${group.name}">${group.name}</a><ul>${group.calls.map(linkTo)}</ul></li>`,
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${info.title}: the API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/docs/reference.css">
</head>
<body>
<a class="skip" href="#calls">To the calls</a>
<header>
<h1>${info.title}: the API</h1>
<p>${info.description}</p>
<p>Version ${info.version} · <a href="/openapi.json">openapi.json</a> · <a href="/">Playground</a></p>
</header>
<nav aria-label="Calls"><ul>${nav}<li><a href="#shapes">shapes</a></li></ul></nav>
<main id="calls" tabindex="-1">
${groups.map((group) => html`<section><h2 id="${group.name}">${group.name}</h2><p>${group.description}</p>${group.calls.map((call) => callOf(call, document))}</section>`)}
<section><h2 id="shapes">shapes</h2>${schemas.map(shapeOf)}</section>
</main>
</body>
</html>
`.text;
}

const linkTo = ({ method, path, operation }: Call): Html =>
  html`<li><a href="#${operation.operationId}"><span class="method">${method}</span> ${path}</a></li>`;

function callOf({ method, path, operation }: Call, document: Document): Html {
  const { operationId, description, parameters = [], requestBody, responses } = operation;
  const rows = parameters.map(({ name, in: place, required, description: says = '', schema }) => [
    html`<code>${name}</code>${required ? '' : html` <span class="optional">may be absent</span>`}`,
    html`${place}`,
    typeOf(schema),
    prose(says),
  ]);
  const answers = Object.entries(responses).map(([status, answer]) => [
    html`${status}`,
    prose(answer.description),
    kindsOf(answer.content ?? {}),
  ]);
  const title = `${method} ${path}`;
  return html`<article>
<h3 id="${operationId}"><span class="method">${method}</span> <code>${path}</code></h3>
<p>${prose(description)}</p>
<pre tabindex="0" role="region" aria-label="${title} by curl"><code>${curlOf(method, path, requestBody?.content ?? {}, document)}</code></pre>
${rows.length > 8 ? html`<details><summary>${rows.length} parameters</summary>${table(`Parameters of ${title}`, PARAMETER, rows)}</details>` : table(`Parameters of ${title}`, PARAMETER, rows)}
${bodyOf(title, requestBody?.content ?? {})}
${table(`Answers of ${title}`, ['status', 'says', 'holds'], answers)}
</article>`;
}

const PARAMETER = ['parameter', 'in', 'value', 'says'];

const kindsOf = (content: Content): Html =>
  html`${Object.entries(content).map(([type, { schema }]) => html`<div><code>${type}</code>${schema ? html`: ${typeOf(schema)}` : ''}</div>`)}`;

function bodyOf(title: string, content: Content): Html {
  return html`${Object.entries(content).map(([type, { schema = {} }]) =>
    schema.properties
      ? propertiesOf(`Body of ${title}, ${type}`, schema)
      : html`<p>Body, <code>${type}</code>: ${typeOf(schema)}</p>`,
  )}`;
}

const shapeOf = ([name, schema]: [string, Schema]): Html =>
  html`<article><h3 id="schema-${name}">${name}</h3><p>${prose(schema.description ?? '')}</p>${
    schema.properties ? propertiesOf(`Properties of ${name}`, schema) : html`<p>${typeOf(schema)}</p>`
  }</article>`;

/** A call as it is typed; what is in braces is the reader's. */
function curlOf(method: string, path: string, content: Content, { servers }: Document): string {
  const [server] = servers;
  const base = server && server.url !== '/' ? server.url : 'http://localhost:8080';
  const [type] = Object.keys(content);
  const body =
    type === 'multipart/form-data'
      ? [' -F file=@photo.jpg']
      : type
        ? [` -H 'content-type: ${type}' -d '{…}'`]
        : [];
  const how =
    method === 'GET'
      ? ''
      : method === 'HEAD'
        ? ' -I'
        : method === 'POST' && body.length
          ? ''
          : ` -X ${method}`;
  const token = path.startsWith('/api/') ? " -H 'authorization: Bearer {token}'" : '';
  return `curl${how}${token}${body.join('')} '${base}${path}'`;
}
