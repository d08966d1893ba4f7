// [edge-safe] CSS colour names would fill a quarter of the function, so they wait in the KeyValueStore.

/** As server/core/query/colors.ts writes them; empty until a query asks for one. */
export let named = '';

export function learnNames(text: string): void {
  named = text;
}
