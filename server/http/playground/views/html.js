export { live } from '/playground/lib/lit-html/directives/live.js';
export { repeat } from '/playground/lib/lit-html/directives/repeat.js';
export { html, noChange, nothing, render, svg } from '/playground/lib/lit-html/lit-html.js';
