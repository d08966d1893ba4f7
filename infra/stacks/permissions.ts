export type Program = 'server' | 'warmer';
export type Target = 'originals' | 'results' | 'records' | 'queue' | 'deadLetters' | 'notifications' | 'cdn';

/** What the action is granted on: the thing itself, what is in it, or its index. */
export type Part = '' | '/*' | '/index/*';

export interface Grant {
  actions: readonly string[];
  on: readonly (readonly [target: Target, part: Part])[];
}

const READ_RECORDS: Grant = {
  actions: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:BatchGetItem'],
  on: [
    ['records', ''],
    ['records', '/index/*'],
  ],
};

/** Every call that a program makes, by what it is made on; a test compares this with the calls in the code. */
export const PERMISSIONS = {
  server: [READ_RECORDS],
  warmer: [READ_RECORDS],
} as const satisfies Record<Program, readonly Grant[]>;
