import { childrenOf, treeRssMb } from '../../bench/process-tree.ts';
import { openStores } from '../../server/compose/stores.ts';
import { loadConfig } from '../../server/config/settings.ts';
import type { Stores } from '../../server/stores/stores.ts';
import { removeFolder, temporaryFolder } from '../support/folders.ts';
import { type ServerProcess, spawnServer } from '../support/process.ts';
import { spawnWarmer, type WarmerProcess } from '../support/warmer.ts';

/** As in production, but for what a soak would have to wait hours for; times of the service are those of production. */
const ENV = {
  LOG_LEVEL: 'info',
  API_RATE_PER_MINUTE: '0',
  DEADLINE_MS: '25000',
  QUEUE_MS: '1000',
  LOOKUP_MS: '1000',
  RENDER_SLOTS: '2',
  // Ends in any case once its requests have: what is late is the machine.
  STOP_MS: '120000',
  VISIBILITY_SECONDS: '5',
  SWEEP_SECONDS: '5',
  // A message that was received this often was let go by as many warmers that were restarted: here the normal case.
  WARM_ATTEMPTS: '100',
};

/** A server and a warmer over one data folder, each of which others take the place of while requests come. */
export class Fleet {
  readonly stores: Stores;
  /** What a program did that none may. */
  readonly faults: string[] = [];
  restarts = 0;
  crashes = 0;
  readonly #env: Record<string, string>;
  #server: ServerProcess;
  #warmer: WarmerProcess;

  private constructor(
    env: Record<string, string>,
    { stores, server, warmer }: { stores: Stores; server: ServerProcess; warmer: WarmerProcess },
  ) {
    this.#env = env;
    this.stores = stores;
    this.#server = server;
    this.#warmer = warmer;
  }

  static async open(): Promise<Fleet> {
    const env = { ...ENV, DATA_DIR: await temporaryFolder() };
    const stores = await openStores(loadConfig(env));
    const [server, warmer] = [await spawnServer(env), await spawnWarmer(env)];
    return new Fleet(env, { stores, server, warmer });
  }

  /** Where requests go: the newest server that is ready. */
  get base(): string {
    return this.#server.base;
  }

  /** As an orchestrator does it: the new one is ready before the old one is told to end. */
  async rollServer(): Promise<void> {
    const former = this.#server;
    this.#server = await spawnServer(this.#env);
    await this.#endWell(former, 'server');
  }

  async rollWarmer(): Promise<void> {
    const former = this.#warmer;
    this.#warmer = await spawnWarmer(this.#env);
    await this.#endWell(former, 'warmer');
  }

  /** Kills a render process of the server or of the warmer as a broken decoder would. */
  crashRenderProcess(random: () => number): void {
    const pids = [this.#server, this.#warmer].flatMap(({ child }) => childrenOf(child.pid ?? 0));
    const pid = pids[Math.floor(random() * pids.length)];
    if (pid === undefined) return;
    try {
      process.kill(pid, random() < 0.5 ? 'SIGSEGV' : 'SIGABRT');
      this.crashes += 1;
    } catch {
      // It has ended by itself meanwhile.
    }
  }

  /** Resident memory of both with their render processes. */
  memoryMb(): number {
    return treeRssMb(this.#server.child.pid ?? 0) + treeRssMb(this.#warmer.child.pid ?? 0);
  }

  async close(): Promise<void> {
    await this.#endWell(this.#server, 'server');
    await this.#endWell(this.#warmer, 'warmer');
    this.stores.close();
    await removeFolder(this.#env['DATA_DIR'] ?? '');
  }

  /** Whatever still runs. */
  kill(): void {
    for (const { child } of [this.#server, this.#warmer]) child.kill('SIGKILL');
  }

  async #endWell({ end }: Pick<ServerProcess, 'end'>, name: string): Promise<void> {
    const code = await end('SIGTERM');
    this.restarts += 1;
    if (code !== 0) this.faults.push(`a ${name} that was told to end ended with ${code}`);
  }
}
