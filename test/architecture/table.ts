/**
 * The rooms, from the inside out, and what each may import from beside itself. `core` stands for every room below
 * server/core, `stores` for every room below server/stores.
 */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'server/shared': [],
  'server/core': [],
  'server/core/query': ['server/shared'],
  'server/core/operations': ['server/core/query', 'server/shared'],
  'server/core/sharp': ['server/shared'],
  'server/core/geometry': ['server/core/operations', 'server/shared'],
  'server/core/original': [
    'server/core/geometry',
    'server/core/operations',
    'server/core/sharp',
    'server/shared',
  ],
  'server/core/plan': [
    'server/core/geometry',
    'server/core/operations',
    'server/core/original',
    'server/shared',
  ],
  'server/core/render': [
    'server/core/geometry',
    'server/core/operations',
    'server/core/original',
    'server/core/plan',
    'server/core/sharp',
    'server/shared',
  ],
  'server/config': ['core', 'server/shared'],
  'server/sandbox': ['core', 'server/shared'],
  'server/stores': ['server/shared'],
  'server/stores/files': ['server/stores', 'server/shared'],
  'server/stores/folder': ['server/stores', 'server/shared'],
  'server/stores/s3': ['server/stores', 'server/shared'],
  'server/stores/sqlite': ['server/stores', 'server/shared'],
  'server/stores/dynamodb': ['server/stores', 'server/shared'],
  'server/stores/sqs': ['server/stores', 'server/shared'],
  'server/telemetry': ['server/shared', 'server/stores'],
  'server/reading': ['server/config', 'core', 'server/sandbox', 'server/shared', 'server/stores'],
  'server/warming': ['core', 'server/reading', 'server/shared', 'server/stores'],
  'server/writing': ['core', 'server/reading', 'server/shared', 'server/stores', 'server/warming'],
  'server/feeds': ['core', 'server/shared', 'server/stores', 'server/warming', 'server/writing'],
  'server/http/reference': [],
  'server/http': [
    'server/config',
    'core',
    'server/http/reference',
    'server/reading',
    'server/shared',
    'server/telemetry',
  ],
  'server/http/api/schemas': [
    'core',
    'server/feeds',
    'server/http',
    'server/stores',
    'server/warming',
    'server/writing',
  ],
  'server/http/api': [
    'server/http/api/schemas',
    'server/config',
    'core',
    'server/feeds',
    'server/http',
    'server/reading',
    'server/shared',
    'server/stores',
    'server/telemetry',
    'server/warming',
    'server/writing',
  ],
  'server/compose': [
    'server/config',
    'core',
    'server/feeds',
    'server/http',
    'server/http/api',
    'server/reading',
    'server/sandbox',
    'server/shared',
    'stores',
    'server/telemetry',
    'server/warming',
    'server/writing',
  ],
  'server/cli': [
    'server/compose',
    'server/config',
    'core',
    'server/http',
    'server/main.ts',
    'server/reading',
    'server/shared',
    'server/stores',
    'server/telemetry',
    'server/warming',
    'server/writing',
    'warmer',
    'warmer/main.ts',
  ],
  'server/main.ts': ['server/compose', 'server/config', 'server/http', 'server/shared', 'server/telemetry'],
  warmer: [
    'server/compose',
    'server/config',
    'core',
    'server/feeds',
    'server/reading',
    'server/sandbox',
    'server/shared',
    'server/stores',
    'server/telemetry',
    'server/warming',
    'server/writing',
  ],
  'warmer/main.ts': ['server/compose', 'server/config', 'server/shared', 'server/telemetry', 'warmer'],
};

/** Packages and built-ins that the rooms of the core may use; the other rooms may use any. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'server/core': [],
  'server/core/query': [],
  'server/core/operations': ['sharp'],
  'server/core/sharp': ['sharp'],
  'server/core/geometry': ['sharp'],
  'server/core/original': ['sharp', 'node:zlib'],
  'server/core/plan': ['sharp'],
  'server/core/render': ['sharp', 'thumbhash', 'blurhash', 'node:zlib'],
};

/** Files of server/core/query that run in the CloudFront Function as well: they import only each other. */
export const EDGE_SAFE =
  /^server\/core\/query\/(rule|canonical|pairs|values|accept|signature|colors|path)\.ts$/;

/** Whether a room may import from another one. */
export function mayUse(room: string, other: string): boolean {
  const uses = ROOMS[room] ?? [];
  if (room === other || uses.includes(other)) return true;
  return (['core', 'stores'] as const).some(
    (name) => uses.includes(name) && `${other}/`.startsWith(`server/${name}/`),
  );
}
