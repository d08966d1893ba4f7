import { ROOMS } from '../test/architecture/table.ts';
import { code, table } from './markdown.ts';

/** What a room holds, for whoever looks for something. */
const HOLDS: Readonly<Record<string, string>> = {
  'server/shared': 'errors, admission, single flight, temporary files: what every room may use',
  'server/core': 'the number of the pipeline',
  'server/core/query': 'grammar and canonical form, ids, signatures; much of it runs at the edge too',
  'server/core/operations': 'the table of operations, one value each',
  'server/core/sharp': 'how sharp is set up, and what its errors mean',
  'server/core/geometry': 'sizes, crops, turns: arithmetic only',
  'server/core/original': 'what a file is, by its bytes: format, EXIF, frames',
  'server/core/plan': 'a query and an original become steps, format, quality, cost',
  'server/core/render': 'the steps are run: passes, frames, encoding, density, placeholders',
  'server/config': 'the table of settings, and their parsers',
  'server/sandbox': 'the processes that open, decode and render originals, and what is put around them',
  'server/stores': 'the contracts of objects, records and jobs',
  'server/stores/files': 'objects as files',
  'server/stores/folder': 'objects that are the files of a folder of pictures, read only',
  'server/stores/s3': 'objects in S3',
  'server/stores/sqlite': 'records and jobs in SQLite',
  'server/stores/dynamodb': 'records in DynamoDB',
  'server/stores/sqs': 'jobs in SQS',
  'server/telemetry': 'the table of metrics, who counts them, and traces',
  'server/reading': 'from a request to a picture: access, tiers, originals, results, renders',
  'server/warming': 'which variants are rendered ahead, and the messages that ask for it',
  'server/writing': 'uploads, replacing, purging, what others do to the bucket, who is told',
  'server/feeds': 'lists of pictures elsewhere: how they are read, and what is brought in by them',
  'server/http/reference': 'the page of the API, made of its document',
  'server/http': 'routes of pictures, health and pages; headers; the path of a hit',
  'server/http/api/schemas':
    'shapes of the management API, which are its validation, its types and its document',
  'server/http/api': 'routes of the management API: their tokens, limits',
  'server/compose': 'wiring, and nothing else',
  'server/cli': 'one file a command',
  'server/main.ts': 'the server program',
  warmer: 'the loop that takes jobs and renders',
  'warmer/main.ts': 'the warmer program',
};

/**
 * The map of rooms, from the inside out.
 *
 * @throws Error that names a room of which nobody said what it holds
 */
export function rooms(): string {
  const rows = Object.entries(ROOMS).map(([room, uses]) => {
    const holds = HOLDS[room];
    if (holds === undefined) throw new Error(`docs/rooms.ts does not say what ${room} holds.`);
    return [code(room), holds, uses.map((name) => name.replace('server/', '')).join(', ')];
  });
  return table(['room', 'holds', 'may import'], rows);
}
