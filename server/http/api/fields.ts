import type { Static } from 'typebox';
import { checks } from '../../shared/checks.ts';
import { Problem } from '../../shared/errors.ts';
import { checkWebhook } from '../../shared/outbound.ts';
import { readWarmRequest } from '../../warming/warm-request.ts';
import type { Details } from '../../writing/details.ts';
import type { ApiDeps } from './context.ts';
import { UploadFields } from './schemas/uploads.ts';
import { malformedText } from './validate.ts';

type Fields = Static<typeof UploadFields>;

const compileFields = () => checks.compile().Compile(UploadFields);
let compiled: ReturnType<typeof compileFields> | undefined;
const LISTS: readonly string[] = ['variants', 'operations'];

export type FieldDeps = Pick<ApiDeps, 'presets' | 'check' | 'hasWebhookSecret' | 'webhookPrivate'>;

/** The fields of a form as they come in, each refused as soon as it is read. */
export class FormFields {
  #fields: Record<string, unknown> = {};
  readonly #deps: FieldDeps;

  constructor(deps: FieldDeps) {
    this.#deps = deps;
  }

  /**
   * @param value  text of the field; `variants` may be given several times
   * @throws Problem `invalid_request` for a field that is not known, given twice or of the wrong shape, and those
   *         of readWanted and checkWebhook
   */
  add(name: string, value: unknown): void {
    // Browsers send an input that was left empty as an empty text.
    if (value === '' && name in UploadFields.properties) return;
    const before = this.#fields[name];
    const read = LISTS.includes(name) ? readList(name, value) : value;
    if (before !== undefined && name !== 'variants') {
      throw new Problem('invalid_request', `"${name}" is given twice.`, { param: name });
    }
    const malformed = malformedText({ [name]: read }, 'field');
    if (malformed) throw malformed;
    const isMore = Array.isArray(before) && Array.isArray(read);
    this.#fields = { ...this.#fields, [name]: isMore ? [...before, ...read] : read };
    this.#read();
  }

  get id(): string | undefined {
    return this.#checked().id;
  }

  /** All that was said, once the form has ended. */
  details(): Details {
    return this.#read();
  }

  #checked(): Fields {
    const fields: unknown = this.#fields;
    compiled ??= compileFields();
    if (compiled.Check(fields)) return fields;
    const [first] = compiled.Errors(fields);
    const param =
      first?.instancePath.replace(/^\//, '').replaceAll('/', '.') || Object.keys(this.#fields).at(-1);
    const text = Object.keys(UploadFields.properties).join(' ');
    const facts = { param, hint: `Fields of an upload: ${text}; anything else must be a file.` };
    throw new Problem(
      'invalid_request',
      `The field "${param}" ${first?.keyword === 'boolean' ? 'is not known' : (first?.message ?? 'is not accepted')}.`,
      facts,
    );
  }

  #read(): Details {
    const { variants, operations, title, description, collection, webhook } = this.#checked();
    if (webhook !== undefined) this.#checkWebhook(webhook);
    const { forms, requested } = readWarmRequest({ variants, operations }, this.#deps);
    return { title, description, collection, webhook, variants: forms, requested };
  }

  #checkWebhook(webhook: string): void {
    const { hasWebhookSecret, webhookPrivate } = this.#deps;
    if (!hasWebhookSecret) {
      const detail = 'This deployment calls no webhooks: it has no WEBHOOK_SECRET to sign them with.';
      throw new Problem('not_allowed', detail, { param: 'webhook', received: webhook });
    }
    checkWebhook(webhook, { allowPrivate: webhookPrivate });
  }
}

/** A JSON list; a single query may be written without brackets, as forms do that repeat a field. */
function readList(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  if (name === 'variants' && !/^[[{"]/.test(text)) return [text];
  try {
    return JSON.parse(text);
  } catch {
    const allowed = 'a JSON list';
    throw new Problem('invalid_request', `"${name}" is not JSON.`, { param: name, received: text, allowed });
  }
}
