import { spawnSync } from 'node:child_process';

/** Runs a program in `infra/`; what it says goes to the terminal, or is the answer. */
export class Shell {
  readonly #environment: Readonly<Record<string, string | undefined>>;

  /** @param environment  without the shell's own RENDITION_ variables: a forgotten one would deploy another stage */
  constructor(
    environment: Readonly<Record<string, string | undefined>>,
    added: Readonly<Record<string, string>>,
  ) {
    const kept = Object.entries(environment).filter(([name]) => !name.startsWith('RENDITION_'));
    this.#environment = { ...Object.fromEntries(kept), ...added };
  }

  with(added: Readonly<Record<string, string>>): Shell {
    return new Shell(this.#environment, { ...this.#own(), ...added });
  }

  #own(): Record<string, string> {
    const own = Object.entries(this.#environment).filter(([name]) => name.startsWith('RENDITION_'));
    return Object.fromEntries(own.map(([name, value]) => [name, String(value)]));
  }

  /** @throws  when the program fails */
  run(program: string, ...args: string[]): void {
    this.#call(program, args, 'inherit');
  }

  /** What the program wrote, without the last line end. */
  read(program: string, ...args: string[]): string {
    return this.#call(program, args, 'pipe').trimEnd();
  }

  /** As `read`, or undefined where the program fails: for asking whether something is there. */
  ask(program: string, ...args: string[]): string | undefined {
    const { status, stdout } = spawnSync(program, args, { env: this.#environment, encoding: 'utf8' });
    return status === 0 ? stdout.trimEnd() : undefined;
  }

  /** What the program ends with; what it says is thrown away. */
  exitCode(program: string, ...args: string[]): number {
    return spawnSync(program, args, { env: this.#environment, stdio: 'ignore' }).status ?? -1;
  }

  #call(program: string, args: readonly string[], output: 'inherit' | 'pipe'): string {
    const { status, stdout, error } = spawnSync(program, args, {
      env: this.#environment,
      encoding: 'utf8',
      stdio: ['inherit', output, 'inherit'],
    });
    if (error) throw new Error(`${program} is not on this machine (${error.message})`);
    if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}`);
    return stdout ?? '';
  }
}

/** Says what is done, and afterwards how long it took. */
export function step<T>(what: string, work: () => T): T {
  const started = Date.now();
  process.stdout.write(`\n== ${what}\n`);
  const made = work();
  process.stdout.write(`   ${Math.round((Date.now() - started) / 1000)} s\n`);
  return made;
}
