import { readFileSync } from 'node:fs';
import { ROOT } from './markdown.ts';

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** What the panels of the dashboard ask Prometheus. */
export function expressions(): { title: string; expr: string }[] {
  const { panels }: { panels: Panel[] } = JSON.parse(readFileSync(`${ROOT}docs/grafana.json`, 'utf8'));
  return panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
}
