import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A type as Terraform's JSON writes it: `"string"`, `["set", "string"]`, `["object", {…}]`. */
export type CtyType =
  | 'string'
  | 'number'
  | 'bool'
  | 'dynamic'
  | readonly ['list' | 'set' | 'map', CtyType]
  | readonly ['object', Fields];
export type Fields = { readonly [name: string]: CtyType };

export interface Member {
  name: string;
  computed: boolean;
  optional: boolean;
  required: boolean;
  /** A plain type, or the class of what is nested and how. */
  type: CtyType | { of: string; nesting: 'list' | 'set' | 'one' };
  block: boolean;
}

export interface BindingClass {
  members: Member[];
  /** The reference is by index: a list that holds one at most, not a single object. */
  indexed: boolean;
}

const LIBRARY = join(
  dirname(createRequire(import.meta.url).resolve('@cdktf/provider-aws/package.json')),
  'lib',
);

/** The TypeScript that a binding was compiled from: its source map has it whole, with the schema in comments. */
export function bindingSource(directory: string): string {
  const script = readFileSync(join(LIBRARY, directory, 'index.js'), 'utf8');
  const map = JSON.parse(Buffer.from(script.slice(script.lastIndexOf('base64,') + 7), 'base64').toString());
  return String(map.sourcesContent[0]);
}

const GETTERS: readonly (readonly [RegExp, CtyType])[] = [
  [/Fn\.tolist\(this\.getNumberListAttribute\(/, ['set', 'number']],
  [/Fn\.tolist\(this\.getListAttribute\(/, ['set', 'string']],
  [/getNumberListAttribute\(/, ['list', 'number']],
  [/getListAttribute\(/, ['list', 'string']],
  [/getStringMapAttribute\(|new cdkt[fn]\.StringMap\(/, ['map', 'string']],
  [/getBooleanMapAttribute\(|new cdkt[fn]\.BooleanMap\(/, ['map', 'bool']],
  [/getNumberMapAttribute\(|new cdkt[fn]\.NumberMap\(/, ['map', 'number']],
  [/getNumberAttribute\(/, 'number'],
  [/getBooleanAttribute\(/, 'bool'],
  [/getStringAttribute\(/, 'string'],
];

/** The provider's own arguments are only written, so only the type of the field tells. */
const WRITTEN: readonly (readonly [RegExp, CtyType])[] = [
  // Rules of a firewall nest in themselves, which no schema can say; left as JSON text they are not looked at.
  [/[?:] any(\[\])? \| cdkt[fn]\.IResolvable;|[?:] any;/, 'dynamic'],
  [/[?:] string;/, 'string'],
  [/[?:] number;/, 'number'],
  [/[?:] boolean \| cdkt[fn]\.IResolvable;/, 'bool'],
  [/[?:] string\[\];/, ['list', 'string']],
  [/[?:] \{ \[key: string\]: string \};/, ['map', 'string']],
];

function memberType(name: string, body: string): Member['type'] {
  const nested = /= new (\w+?)(List|OutputReference)\(this, "\w+"(?:, (true|false))?\)/.exec(body);
  if (nested) {
    const list = nested[3] === 'true' ? 'set' : 'list';
    return { of: String(nested[1]), nesting: nested[2] === 'List' ? list : 'one' };
  }
  const getter = [...GETTERS, ...WRITTEN].find(([form]) => form.test(body));
  const written = /^ {2}private _\w+\?: (\w+)(\[\])? \| cdkt[fn]\.IResolvable;/m.exec(body);
  if (!getter && written) return { of: String(written[1]), nesting: 'list' };
  if (!getter) throw new Error(`The binding says nothing that this reader knows of the type of ${name}`);
  return getter[1];
}

const MEMBER =
  /^ {2}\/\/ (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n([\s\S]*?)(?=^ {2}\/\/ \w+ - computed|^ {2}\/\/ ={3}|^})/gm;

/** `Interface.member` for everything that is written as a block. */
function blocks(source: string): Set<string> {
  const found = new Set<string>();
  for (const [, name, body] of source.matchAll(/^export interface (\w+)[^{]*\{([\s\S]*?)^\}/gm)) {
    for (const [, member] of String(body).matchAll(/^ {2}\* (\w+) block$/gm)) found.add(`${name}.${member}`);
  }
  return found;
}

/** What is nested in the provider's block has no class, only an interface. */
function readInterfaces(source: string, classes: Map<string, BindingClass>): void {
  for (const [, name, body] of source.matchAll(/^export interface (\w+) \{([\s\S]*?)^\}/gm)) {
    if (classes.has(String(name))) continue;
    const members = [...String(body).matchAll(/#(\w+)\}\n {2}\*\/\n {2}readonly \w+(\??): (.*;)$/gm)];
    classes.set(String(name), {
      indexed: false,
      members: members.map(([, member, question, type]) => ({
        name: String(member),
        computed: false,
        optional: question === '?',
        required: question !== '?',
        type: memberType(String(member), `  private _it?: ${type}`),
        block: false,
      })),
    });
  }
}

/** Every class of a binding by the name of its configuration: `X` for nested ones, `XConfig` for the resource. */
export function readClasses(source: string): Map<string, BindingClass> {
  const isBlock = blocks(source);
  const classes = new Map<string, BindingClass>();
  for (const [, name, base, body] of source.matchAll(
    /^export class (\w+) extends cdkt[fn]\.(\w+) (\{[\s\S]*?^\})/gm,
  )) {
    if (base === 'ComplexList' || base === 'ComplexMap') continue;
    const config = base === 'ComplexObject' ? String(name).replace(/OutputReference$/, '') : `${name}Config`;
    const members = [...String(body).matchAll(MEMBER)].map(
      ([, member, computed, optional, required, rest]) => ({
        name: String(member),
        computed: computed === 'true',
        optional: optional === 'true',
        required: required === 'true',
        type: memberType(String(member), String(rest)),
        block: isBlock.has(`${config}.${member}`),
      }),
    );
    const indexed = /super\(terraformResource, terraformAttribute, (true|false), 0\)/.test(String(body));
    classes.set(config, { members, indexed });
  }
  readInterfaces(source, classes);
  return classes;
}
