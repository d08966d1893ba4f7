import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import type { Test } from 'tap';
import { call } from '../support/api.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { spawnServer } from '../support/process.ts';

const FILE_BYTES = 190_000_000;
const WIDTH = 5000;
const START_BYTES = 100_000;
const HEAD = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n';

/** The form of one file, made as it is sent: neither side holds it whole. */
async function* parts({ start, end = Buffer.alloc(0) }: Picture): AsyncGenerator<Uint8Array> {
  yield Buffer.from(HEAD);
  yield start;
  const chunk = Buffer.alloc(100_000, 7);
  for (let sent = start.length; sent < FILE_BYTES; sent += chunk.length) yield chunk;
  yield end;
  yield Buffer.from('\r\n--b--\r\n');
}

/** What lies around the filling of a file. */
export interface Picture {
  start: Buffer;
  end?: Buffer;
}

/** A PNG that goes on behind its end: its first bytes tell everything. */
export async function headed(): Promise<Picture> {
  const create = { width: WIDTH, height: 40, channels: 3, background: 'red' } as const;
  return { start: await sharp({ create }).png().toBuffer() };
}

/** An uncompressed TIFF, 32 bits of grey, whose directory comes last (TIFF 6.0, section 2). */
export function indexed(): Picture {
  const height = Math.floor((FILE_BYTES - START_BYTES) / WIDTH / 4);
  const tags = [
    ...[
      [256, WIDTH],
      [257, height],
      [258, 8],
      [259, 1],
      [262, 1],
      [273, START_BYTES],
    ],
    ...[
      [277, 1],
      [278, height],
      [279, WIDTH * height],
    ],
  ] as const;
  const start = Buffer.alloc(START_BYTES);
  start.write('II*\0', 'latin1');
  start.writeUInt32LE(FILE_BYTES, 4);
  const end = Buffer.alloc(2 + tags.length * 12 + 4);
  end.writeUInt16LE(tags.length);
  tags.forEach(([tag, value], index) => {
    end.writeUInt16LE(tag, 2 + index * 12);
    end.writeUInt16LE(4, 4 + index * 12);
    end.writeUInt32LE(1, 6 + index * 12);
    end.writeUInt32LE(value, 10 + index * 12);
  });
  return { start, end };
}

/** Uploads a picture to a server of its own and looks how far its memory grows. */
export async function passesThrough(t: Test, format: string, picture: Picture): Promise<void> {
  const folder = await temporaryFolder();
  t.teardown(() => removeFolder(folder));
  const limits = { MAX_UPLOAD_BYTES: '200M', MAX_SOURCE_BYTES: '200M' };
  const server = await spawnServer({ DATA_DIR: folder, LOG_LEVEL: 'info', ...limits });
  t.teardown(() => server.end('SIGTERM'));
  const peakMB = async () => {
    const status = await readFile(`/proc/${server.child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1000;
  };
  const before = await peakMB();
  const response = await fetch(`${server.base}/api/images`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: ReadableStream.from(parts(picture)),
    duplex: 'half',
  });
  const answer: { id: string; detail?: string } = JSON.parse(await response.text());
  const { id } = answer;
  const grown = (await peakMB()) - before;
  t.comment(
    `peak RSS ${Math.round(before)} MB before, ${Math.round(grown)} MB more for ${FILE_BYTES / 1e6} MB`,
  );
  t.equal(response.status, 202, answer.detail ?? 'taken');
  // Measured: 23 MB for a file of 20 MB, 65-71 MB for 100 and for 190: what the collector leaves lying.
  t.ok(grown < FILE_BYTES / 2e6, `${grown} MB`);
  const record = await call(server, 'GET', `/api/images/${id}`);
  t.match(record.body, { original: { width: WIDTH, format } });
}
