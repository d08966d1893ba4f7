import { type BindingClass, bindingSource, type CtyType, type Member, readClasses } from './binding.ts';

export interface Attribute {
  name: string;
  type: CtyType;
  computed: boolean;
  optional: boolean;
  required: boolean;
  writeOnly: boolean;
}

export interface NestedBlock {
  name: string;
  nesting: 'LIST' | 'SET' | 'SINGLE';
  minItems: number;
  maxItems: number;
  block: Block;
}

export interface Block {
  attributes: Attribute[];
  blocks: NestedBlock[];
}

type Classes = ReadonlyMap<string, BindingClass>;

function classOf(classes: Classes, name: string): BindingClass {
  const found = classes.get(name);
  if (!found) throw new Error(`The binding has no class for ${name}`);
  return found;
}

/** The type of what is nested in an attribute, as opposed to a block. */
function nestedType(classes: Classes, type: Member['type']): CtyType {
  if (typeof type === 'string' || !('of' in type)) return type;
  const { members } = classOf(classes, type.of);
  const object: CtyType = [
    'object',
    Object.fromEntries(members.map((member) => [member.name, nestedType(classes, member.type)])),
  ];
  return type.nesting === 'one' ? object : [type.nesting, object];
}

function nestedBlock(classes: Classes, member: Member): NestedBlock {
  if (typeof member.type === 'string' || !('of' in member.type))
    throw new Error(`${member.name} is no block`);
  const { of, nesting } = member.type;
  const inner = classOf(classes, of);
  const single = nesting === 'one' && !inner.indexed;
  return {
    name: member.name,
    nesting: single ? 'SINGLE' : nesting === 'set' ? 'SET' : 'LIST',
    minItems: member.required && !single ? 1 : 0,
    maxItems: nesting === 'one' && !single ? 1 : 0,
    block: toBlock(classes, inner),
  };
}

function toBlock(classes: Classes, { members }: BindingClass): Block {
  return {
    attributes: members
      .filter((member) => !member.block)
      .map(({ name, type, computed, optional, required }) => ({
        name,
        type: nestedType(classes, type),
        computed,
        optional,
        required,
        writeOnly: name.endsWith('_wo'),
      })),
    blocks: members
      .filter(({ block, type }) => block && type !== 'dynamic')
      .map((member) => nestedBlock(classes, member)),
  };
}

function schemaOf(directory: string): Block {
  const source = bindingSource(directory);
  const classes = readClasses(source);
  const main = /^export class (\w+) extends cdkt[fn]\.Terraform(Resource|DataSource|Provider) /m.exec(source);
  return toBlock(classes, classOf(classes, `${main?.[1]}Config`));
}

export interface ProviderSchema {
  provider: Block;
  resources: Record<string, Block>;
  data: Record<string, Block>;
}

const directoryOf = (type: string): string => type.replace(/^aws_/, '').replaceAll('_', '-');

/** What a configuration needs of the AWS provider's schema; types that the bindings lack are left out, and refused. */
export function providerSchema(types: {
  resources: readonly string[];
  data: readonly string[];
}): ProviderSchema {
  const read = (names: readonly string[], prefix: string) =>
    Object.fromEntries(
      names.flatMap((type) => {
        try {
          return [[type, schemaOf(prefix + directoryOf(type))]];
        } catch (error) {
          if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
          throw error;
        }
      }),
    );
  return {
    provider: schemaOf('provider'),
    resources: read(types.resources, ''),
    data: read(types.data, 'data-aws-'),
  };
}
