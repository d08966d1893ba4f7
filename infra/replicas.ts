import type { Values } from './settings.ts';
import type { Named } from './stacks/account.ts';

/** What a second region has for itself. */
const OWN = ['region', 'zones', 'size', 'min_servers', 'shield_region'];

/** Settings that a replica takes from the stage that it copies: it must make the same pictures. */
export function inherited(stages: Readonly<Record<string, Values>>, values: Values): Values {
  const original = stages[String(values.replica_of ?? '')] ?? {};
  return Object.fromEntries(Object.entries(original).filter(([name]) => !OWN.includes(name)));
}

/** What no single stage can know of a second region. */
export function replicaComplaints(all: readonly Named[]): string[] {
  return all.flatMap(({ name, settings }) => {
    if (!settings.replica_of) return [];
    const original = all.find((one) => one.name === settings.replica_of);
    return complaint(name, settings, original, all).map((text) => `Stage ${name}: replica_of: ${text}`);
  });
}

function complaint(
  name: string,
  { replica_of, region }: Named['settings'],
  original: Named | undefined,
  all: readonly Named[],
): string[] {
  if (!original || original.name === name) return [`there is no other stage ${replica_of}`];
  const { settings } = original;
  const found = [
    settings.replica_of && `${replica_of} is a replica itself`,
    settings.region === region && `${replica_of} is in ${region} as well`,
    settings.origin_order !== 'server-first' &&
      `${replica_of} needs origin_order server-first: a group of CloudFront has two origins, and these are both regions' servers`,
    settings.originals_bucket &&
      `${replica_of} has an originals_bucket of its own, whose replication is its owner's`,
    all.filter((one) => one.settings.replica_of === replica_of).length > 1 &&
      `${replica_of} has another replica`,
  ];
  return found.filter((text): text is string => Boolean(text));
}
