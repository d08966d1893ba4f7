import { circles, fileCircles, floors, importGraph, readSources, roomArrows } from './imports.ts';

const graph = importGraph(readSources('server', 'warmer'));
const arrows = roomArrows(graph);
const count = [...arrows.values()].reduce((sum, targets) => sum + targets.size, 0);

const lines = [...arrows]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([room, targets]) => `${room} → ${[...targets].sort().join(', ') || '(nothing)'}`);
const rings = [...circles(arrows).map((ring) => `circle of rooms: ${ring.join(' ↔ ')}`)];
rings.push(...fileCircles(graph).map((ring) => `circle of files: ${ring.join(' ↔ ')}`));
const total = `${arrows.size} rooms, ${floors(arrows)} floors, ${count} arrows, ${rings.length} circles`;
process.stdout.write(`${[...lines, ...rings, '', total].join('\n')}\n`);
