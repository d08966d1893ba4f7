import { readFileSync } from 'node:fs';

type Resources = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const REFERENCE = /^\$\{([a-z0-9_]+)\.([\w-]+)\.\w+\}$/;

/** A synthesised stack, read as Terraform reads it. */
export class Stack {
  readonly #resources: Resources;

  /** @param file  a `cdk.tf.json` */
  constructor(file: string) {
    this.#resources = JSON.parse(readFileSync(file, 'utf8')).resource;
  }

  /** All resources of a type by name; their shape is that of the provider's arguments. */
  all<T>(type: string): Readonly<Record<string, T>> {
    return (this.#resources[type] ?? {}) as Readonly<Record<string, T>>;
  }

  /** @throws Error where there is not exactly one */
  only<T>(type: string): T {
    const [first, second] = Object.values(this.all<T>(type));
    if (first === undefined || second !== undefined) throw new Error(`The stack has not one ${type}`);
    return first;
  }

  /** The resource that an argument refers to; undefined for an argument that is absent. */
  referred<T>(argument: string | undefined): T | undefined {
    if (argument === undefined) return undefined;
    const [, type = '', name = ''] = REFERENCE.exec(argument) ?? [];
    const found = this.all<T>(type)[name];
    if (found === undefined) throw new Error(`${argument} refers to nothing of this stack`);
    return found;
  }
}

/** The text that an argument stands for: stacks/text.ts quotes what Terraform would take for its own. */
export function plainText(argument: string): string {
  const [, quoted] = /^\$\{("[\s\S]*")\}$/.exec(argument) ?? [];
  return quoted === undefined ? argument : String(JSON.parse(quoted));
}
