import type { Grammar, Rule } from '../query/rule.ts';
import { OPERATIONS } from './index.ts';
import type { Operation, Param } from './operation.ts';

/** A parameter with its key and the operation that owns it: what every derived part is made from. */
export interface Row {
  readonly key: string;
  readonly operation: Operation;
  readonly param: Param<unknown>;
}

export const ROWS: readonly Row[] = OPERATIONS.flatMap((operation: Operation) =>
  Object.entries(operation.params).map(([key, param]) => ({ key, operation, param })),
);

/** The part of the table that the edge gets. */
export const RULES: readonly Rule[] = inIdleOrder(ROWS.map(({ key, param }) => ({ key, ...param.rule })));

/** Keys that decide whether a rule has an effect, without its own. */
export function deciders({ key, idle = [], needs = [] }: Rule): string[] {
  return [...idle, ...needs]
    .flatMap((condition) => condition.split(' '))
    .map((word) => word.replace(/^!|=.*/g, ''))
    .filter((name) => name !== key);
}

/**
 * A rule behind those that decide about it: whatever order a query has, one round drops the same.
 *
 * @throws  when rules decide about each other
 */
function inIdleOrder(rules: readonly Rule[]): Rule[] {
  const order: Rule[] = [];
  while (order.length < rules.length) {
    const waiting = rules.filter((rule) => !order.includes(rule));
    const keys = new Set(waiting.map(({ key }) => key));
    const ready = waiting.filter((rule) => !deciders(rule).some((key) => keys.has(key)));
    if (ready.length === 0)
      throw new Error(`These parameters decide about each other: ${[...keys].join(' ')}`);
    order.push(...ready);
  }
  return order;
}

const number = (value: number): string =>
  String(value).replace(/\B(?=(\d{3})+$)/g, value >= 10_000 ? ',' : '');

function grammarText(grammar: Grammar): string {
  switch (grammar[0]) {
    case 'int':
    case 'dec':
      return `${number(grammar[1])}${grammar[1] < 0 ? ' to ' : '-'}${number(grammar[2])}`;
    case 'density':
      return `${grammar[1]}-${grammar[2]}, rounded up to quarters and to at least 1`;
    case 'steps':
      return `${grammar[1]}-${grammar.at(-1)}, rounded up to one of ${grammar.slice(1).join(' ')}`;
    case 'enum':
      return [...new Set(Object.values(grammar[1]))].join(' ');
    case 'flag':
      return '1 0 true false';
    case 'color':
      return grammar[1]
        ? 'colour: hex of 3 or 6 with or without #, CSS name'
        : 'colour: hex of 3, 4, 6 or 8 with or without #, CSS name, transparent';
    case 'ratio':
      return `W:H or a decimal, ${grammar[1]}-${grammar[2]}`;
    case 'sides':
      return `px 0-${grammar[1]}, or top,right,bottom,left`;
    case 'list':
      return [
        ...(grammar[2] ? [grammar[2]] : []),
        ...grammar[1].map((item) => `(${grammarText(item)})`),
      ].join(',');
    case 'bytes':
      return `${number(grammar[1])}-${number(grammar[2])} bytes, k and M allowed`;
    case 'text':
      return `text of the form ${grammar[1]}`;
  }
}

/** What a parameter accepts, in words. */
export function allowedText(rule: Rule): string {
  return [...new Set(rule.grammar.map(grammarText))].join(', or ');
}

/** Spellings that stand for another value: `crop` → `cover`. */
export function otherSpellings(rule: Rule): ReadonlyArray<readonly [spelling: string, value: string]> {
  return rule.grammar.flatMap((grammar) =>
    grammar[0] === 'enum'
      ? Object.entries(grammar[1]).flatMap(([spelling, value]) =>
          spelling.slice(1) === value ? [] : [[spelling.slice(1), value] as const],
        )
      : [],
  );
}
