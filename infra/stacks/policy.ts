import { json } from './text.ts';

export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: readonly string[];
  Resource?: readonly string[];
  Principal?: '*' | Record<string, string>;
  Condition?: Record<string, Record<string, string | readonly string[]>>;
}

/** A policy document. */
export function document(statements: readonly Statement[]): string {
  return json({ Version: '2012-10-17', Statement: statements });
}

/** Who may wear a role. */
export function trust(service: string): string {
  return document([{ Effect: 'Allow', Principal: { Service: service }, Action: ['sts:AssumeRole'] }]);
}
