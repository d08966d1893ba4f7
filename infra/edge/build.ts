export function edgeBundle(_environment: Readonly<Record<string, string>>): string {
  return 'async function handler(event) { return event.request; }';
}
