/** What an exploit inside a decoder would try first; answers what it got. Runs as a render process does. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire, flushCompileCache } from 'node:module';
import { connect } from 'node:net';

interface Attempt {
  readonly kind: 'read' | 'write' | 'connect' | 'environment' | 'user' | 'run' | 'compile';
  readonly target: string;
}

async function attempt({ kind, target }: Attempt): Promise<string> {
  switch (kind) {
    case 'read':
      return `read ${readFileSync(target).length} bytes`;
    case 'write':
      writeFileSync(target, 'hostile');
      return 'written';
    case 'environment':
      return JSON.stringify(process.env);
    case 'user':
      return String(process.getuid?.());
    case 'compile':
      writeFileSync(target, 'module.exports = "hostile";');
      createRequire(import.meta.url)(target);
      flushCompileCache();
      return 'asked Node to keep it';
    case 'run': {
      const { spawnSync } = await import('node:child_process');
      return `ran with ${spawnSync(target).status}`;
    }
    case 'connect':
      return new Promise((resolve, reject) => {
        const socket = connect(Number(target), '127.0.0.1', () => resolve('connected'));
        socket.once('error', reject);
      });
  }
}

process.on('message', (asked: Attempt) => {
  attempt(asked).then(
    (got) => process.send?.({ got }),
    (error: unknown) => process.send?.({ refused: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
