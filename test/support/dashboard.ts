import { readFileSync } from 'node:fs';
import { ROOT } from './markdown.ts';

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
}

interface Dashboard {
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[];
  };
  readonly panels: readonly Panel[];
}

/** The dashboard as Grafana takes it. */
export const dashboard = (): Dashboard => JSON.parse(readFileSync(`${ROOT}docs/grafana.json`, 'utf8'));

/** What the panels of the dashboard ask Prometheus. */
export function expressions(): { title: string; expr: string }[] {
  return dashboard().panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ title, expr })),
  );
}
