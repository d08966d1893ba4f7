import fc from 'fast-check';
import type { Test } from 'tap';

/** Asserts that a property holds for whatever fast-check thinks of. */
export function always<T>(t: Test, property: fc.IProperty<T>, parameters?: fc.Parameters<T>): void {
  t.doesNotThrow(() => fc.assert(property, parameters));
}

/** The same for one that takes time. */
export async function alwaysAsync<T>(
  t: Test,
  property: fc.IAsyncProperty<T>,
  parameters?: fc.Parameters<T>,
): Promise<void> {
  await t.resolves(fc.assert(property, parameters));
}
