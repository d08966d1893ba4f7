import type { Schema } from './document.ts';
import { type Html, html, prose, table } from './html.ts';

export const nameOf = (reference: string): string => reference.split('/').at(-1) ?? '';

/** What a value may be, in words, with links to the shapes that have a name. */
export function typeOf(schema: Schema): Html {
  if (schema.$ref) return html`<a href="#schema-${nameOf(schema.$ref)}">${nameOf(schema.$ref)}</a>`;
  if (schema.anyOf) return joined(schema.anyOf.map(typeOf), ' or ');
  if (schema.enum)
    return joined(
      schema.enum.map((value) => html`<code>${value === '' ? '""' : String(value)}</code>`),
      ' ',
    );
  if (schema.type === 'array')
    return html`list of ${typeOf(schema.items ?? {})}${counted(schema.minItems, schema.maxItems)}`;
  if (schema.type === 'object' && !schema.properties && typeof schema.additionalProperties === 'object')
    return html`object of ${typeOf(schema.additionalProperties)}`;
  return scalar(schema);
}

function scalar({
  type = 'anything',
  format,
  pattern,
  minimum,
  maximum,
  minLength,
  maxLength,
  ...rest
}: Schema): Html {
  const range = type === 'string' ? bounds(minLength, maxLength, ' characters') : bounds(minimum, maximum);
  const form = pattern ? html` <code>${pattern}</code>` : html``;
  const fallback = rest.default === undefined ? html`` : html`, default <code>${String(rest.default)}</code>`;
  return html`${format === 'binary' ? 'file' : type}${range}${form}${fallback}`;
}

function bounds(min: number | undefined, max: number | undefined, unit = ''): string {
  if (min === undefined && max === undefined) return '';
  if (max === undefined) return ` of at least ${min}${unit}`;
  return min === undefined ? ` of at most ${max}${unit}` : ` ${min} to ${max}${unit}`;
}

function counted(min: number | undefined, max: number | undefined): string {
  const parts = [min === undefined ? '' : `at least ${min}`, max === undefined ? '' : `at most ${max}`];
  return parts.map((part) => part && `, ${part}`).join('');
}

const joined = (parts: readonly Html[], between: string): Html =>
  html`${parts.map((part, index) => (index === 0 ? part : html`${between}${part}`))}`;

/** The properties of an object, and what it holds beside them. */
export function propertiesOf(caption: string, { properties = {}, required = [], ...schema }: Schema): Html {
  const rows = Object.entries(properties).map(([name, property]) => [
    html`<code>${name}</code>${required.includes(name) ? '' : html` <span class="optional">may be absent</span>`}`,
    typeOf(property),
    prose(property.description ?? ''),
  ]);
  const others = schema.additionalProperties;
  const more =
    typeof others === 'object' && rows.length > 0 ? html`<p>Others: ${typeOf(others)}.</p>` : html``;
  return html`${table(caption, ['property', 'value', 'says'], rows)}${more}`;
}
