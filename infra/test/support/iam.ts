import type { Statement } from '../../stacks/policy.ts';

export interface Asked {
  action: string;
  resource: string;
  /** Condition keys that the request carries. */
  context?: Readonly<Record<string, string>>;
}

const pattern = (text: string, flags = ''): RegExp =>
  new RegExp(
    `^${text
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    flags,
  );

const listOf = (value: string | readonly string[]): readonly string[] =>
  typeof value === 'string' ? [value] : value;

type Operator = (has: string | undefined, wanted: readonly string[]) => boolean;

/** Operators that our policies use; another one is an error, not a guess. */
const OPERATORS: Readonly<Record<string, Operator>> = {
  StringEquals: (has, wanted) => has !== undefined && wanted.includes(has),
  StringEqualsIfExists: (has, wanted) => has === undefined || wanted.includes(has),
  StringNotEqualsIfExists: (has, wanted) => has === undefined || !wanted.includes(has),
  Null: (has, wanted) => String(has === undefined) === wanted[0],
};

function holds({ Condition = {} }: Statement, context: Readonly<Record<string, string>>): boolean {
  return Object.entries(Condition).every(([name, keys]) => {
    const operator = OPERATORS[name];
    if (!operator) throw new Error(`This simulation does not know ${name}`);
    return Object.entries(keys).every(([key, wanted]) => operator(context[key], listOf(wanted)));
  });
}

/** Whether a document allows a call, as IAM evaluates one: a Deny wins, and what no statement allows is refused. */
export function allows(statements: readonly Statement[], { action, resource, context = {} }: Asked): boolean {
  const fitting = statements.filter(
    (statement) =>
      statement.Action.some((one) => pattern(one, 'i').test(action)) &&
      (statement.Resource ?? []).some((one) => pattern(one).test(resource)) &&
      holds(statement, context),
  );
  return fitting.length > 0 && fitting.every(({ Effect }) => Effect === 'Allow');
}
