import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

/** What an origin does with a request. */
export interface Scripted {
  status: number;
  headers?: Readonly<Record<string, string>>;
}
export type Script = Scripted | 'silence' | 'hang-up';

export interface Call {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
}

export interface ScriptedOrigin {
  base: string;
  calls: Call[];
}

function play(script: Script, response: ServerResponse, name: string): void {
  if (script === 'silence') return;
  if (script === 'hang-up') return void response.destroy();
  const { status, headers = {} } = script;
  response.writeHead(status, { 'x-from': name, ...headers });
  response.end(status === 304 ? undefined : `${name} says ${status}`);
}

/** A real HTTP server that answers by a script, for answers that no emulator gives when it is asked to. */
export async function scriptedOrigin(
  t: Test,
  name: string,
  script: (call: Call) => Script,
): Promise<ScriptedOrigin> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    const call = { method: request.method ?? '', url: request.url ?? '', headers: request.headers };
    calls.push(call);
    request.resume().once('end', () => play(script(call), response, name));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}
