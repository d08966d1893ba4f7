import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';

export type Item = Record<string, unknown>;

export interface Key {
  pk: string;
  sk: string;
}

/**
 * One write, on a condition in all but what the last writer may win. Attribute names are written `#name` in expressions and need no table of their own;
 * `with` gives the `:values` of the condition.
 */
export type Write = { if?: string; with?: Item } & (
  | { put: Key & Item }
  | { update: Key; set?: Item; add?: Record<string, number> }
  | { remove: Key }
  | { check: Key }
);

export function keyOf(write: Write): Key {
  if ('remove' in write) return write.remove;
  const { pk, sk } = 'put' in write ? write.put : 'update' in write ? write.update : write.check;
  return { pk, sk };
}

type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** As an item of TransactWriteItems; its parts are also the inputs of the single commands. */
export function transactItem(table: string, write: Write): TransactItem {
  const { if: ConditionExpression, with: values = {} } = write;
  const condition = { TableName: table, ConditionExpression };
  const expression = ConditionExpression ?? '';
  if ('put' in write) {
    return { Put: { ...condition, ...attributes(expression, values), Item: write.put } };
  }
  if ('update' in write) {
    const { expression: change, values: updated } = updateExpression(write.set ?? {}, write.add ?? {});
    const names = attributes(`${change} ${expression}`, { ...values, ...updated });
    return { Update: { ...condition, ...names, Key: write.update, UpdateExpression: change } };
  }
  const names = attributes(expression, values);
  if ('remove' in write) return { Delete: { ...condition, ...names, Key: write.remove } };
  return { ConditionCheck: { ...condition, ...names, Key: write.check } };
}

/** ExpressionAttributeNames and -Values; DynamoDB refuses empty ones. */
export function attributes(expression: string, values: Item) {
  const names = Object.fromEntries([...expression.matchAll(/#\w+/g)].map(([name]) => [name, name.slice(1)]));
  return {
    ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
  };
}

/** Undefined in `set` removes the attribute. */
function updateExpression(set: Item, add: Record<string, number>): { expression: string; values: Item } {
  const items = Object.entries(set).filter(([, value]) => value !== undefined);
  const gone = Object.keys(set).filter((name) => set[name] === undefined);
  const added = Object.entries(add);
  const clauses = [
    items.length > 0 ? `SET ${items.map(([name]) => `#${name} = :_${name}`).join(', ')}` : '',
    gone.length > 0 ? `REMOVE ${gone.map((name) => `#${name}`).join(', ')}` : '',
    added.length > 0 ? `ADD ${added.map(([name]) => `#${name} :_${name}`).join(', ')}` : '',
  ];
  const values = Object.fromEntries([...items, ...added].map(([name, value]) => [`:_${name}`, value]));
  return { expression: clauses.filter(Boolean).join(' '), values };
}
