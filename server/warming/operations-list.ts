import { OPERATIONS } from '../core/operations/index.ts';
import type { Operation } from '../core/operations/operation.ts';
import { encode } from '../core/operations/output.ts';
import { ROWS, type Row } from '../core/operations/table.ts';
import { readPairs } from '../core/operations/transformation.ts';
import type { Canonical } from '../core/query/canonical.ts';
import { nearest } from '../core/query/nearest.ts';
import type { Presets } from '../core/query/rule.ts';
import { isProblem, Problem } from '../shared/errors.ts';

/** A step as callers write it. */
export interface OperationStep {
  readonly type: string;
  readonly params?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** What a step may say: nothing that belongs to a URL, and no preset, which is many steps at once. */
const SAYABLE = ROWS.filter(({ key, param }) => !param.rule.url && key !== 'p');
const STEPS: readonly Operation[] = OPERATIONS.filter((operation: Operation) =>
  SAYABLE.some((row) => row.operation === operation),
);

const spellings = ({ key, param }: Row): string[] => [key, ...(param.rule.aliases ?? [])];

/** Every name of a step: its operation's, and those of the parameters that the operation owns. */
const TYPES: ReadonlyMap<string, Operation> = new Map([
  ['optimize', encode],
  ...SAYABLE.flatMap((row) => spellings(row).map((name): [string, Operation] => [name, row.operation])),
  ...STEPS.map((operation): [string, Operation] => [operation.name, operation]),
]);

/**
 * A list of operations as one canonical form.
 *
 * The picture goes through its operations in one order, the table's; a list in another order asks for
 * something else than we would make, so it is refused rather than sorted.
 *
 * @param name  of the list in the request, for the refusal: `operations`, `variants[2]`
 * @throws Problem `invalid_parameter`, `unknown_parameter`, `conflicting_parameters`, whose `param` is the
 *         step that it fails at: `operations[1].params.width`
 */
export function readOperations(
  steps: readonly OperationStep[],
  presets: Presets,
  name = 'operations',
): Canonical {
  const pairs: [string, string][] = [];
  const places = new Map<string, string>();
  let last = -1;
  steps.forEach((step, index) => {
    const path = `${name}[${index}]`;
    const operation = operationOf(step.type, path);
    const place = STEPS.indexOf(operation);
    if (place <= last) throw outOfOrder(step.type, path, STEPS[last]?.name ?? '', place === last);
    last = place;
    for (const [key, value] of paramsOf(step, operation, path)) {
      places.set(key, `${path}.params.${key}`);
      pairs.push([key, value]);
    }
  });
  try {
    return readPairs(pairs, presets);
  } catch (error) {
    if (!isProblem(error)) throw error;
    const param = places.get(error.facts.param ?? '') ?? name;
    throw new Problem(error.code, `${param}: ${error.detail}`, { ...error.facts, param });
  }
}

function operationOf(type: string, at: string): Operation {
  const operation = TYPES.get(type);
  if (operation) return operation;
  const hint = nearest(type, [...TYPES.keys()]);
  const detail = `${at}: there is no operation "${type}".${hint ? ` Did you mean "${hint}"?` : ''}`;
  const allowed = ['optimize', ...STEPS.map((step) => step.name)].join(' ');
  throw new Problem('unknown_parameter', detail, { param: `${at}.type`, received: type, allowed, hint });
}

function outOfOrder(type: string, at: string, before: string, isSame: boolean): Problem {
  const reason = isSame
    ? `"${type}" is the operation of the step before, which one picture goes through once`
    : `"${type}" comes before "${before}", whatever order they are written in`;
  const facts = {
    param: at,
    received: type,
    hint: `The order is: ${STEPS.map((step) => step.name).join(', ')}.`,
  };
  return new Problem('conflicting_parameters', `${at}: ${reason}.`, facts);
}

/** Pairs of a step; one without parameters stands for its switch: `{"type":"grayscale"}` is `gray=1`. */
function paramsOf(
  { type, params = {} }: OperationStep,
  operation: Operation,
  at: string,
): [string, string][] {
  const rows = SAYABLE.filter((row) => row.operation === operation);
  const items = Object.entries(params);
  if (items.length === 0) return [[switchOf(type, rows, at), '1']];
  const names = rows.flatMap(spellings);
  return items.map(([key, value]) => {
    if (names.includes(key)) return [key, value === true ? '1' : value === false ? '0' : String(value)];
    const detail = `${at}: "${type}" has no parameter "${key}"; it has: ${names.join(' ')}.`;
    const facts = { param: `${at}.params.${key}`, received: key, allowed: names.join(' ') };
    throw new Problem('unknown_parameter', detail, { ...facts, hint: nearest(key, names) });
  });
}

function switchOf(type: string, rows: readonly Row[], path: string): string {
  const row = rows.length === 1 ? rows[0] : rows.find((entry) => spellings(entry).includes(type));
  if (row?.param.rule.grammar.some(([kind]) => kind === 'flag')) return row.key;
  const allowed = rows.flatMap(spellings).join(' ');
  throw new Problem('invalid_parameter', `${path}: "${type}" says nothing without parameters: ${allowed}.`, {
    param: `${path}.params`,
    allowed,
  });
}
