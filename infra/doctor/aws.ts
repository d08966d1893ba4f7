import type { Shell } from '../deploy/steps.ts';

/** The AWS CLI, asked for JSON; undefined where a call is refused or what is asked for is not there. */
export class Aws {
  readonly #shell: Shell;
  readonly #region: string;

  constructor(shell: Shell, region: string) {
    this.#shell = shell;
    this.#region = region;
  }

  /** @param query  JMESPath, so that the shape of the answer is that of `T` */
  ask<T>(service: string, call: string, options: readonly string[], query: string): T | undefined {
    const args = [service, call, '--region', this.#region, ...options, '--query', query, '--output', 'json'];
    const text = this.#shell.ask('aws', ...args);
    // The CLI says nothing at all where a call has no answer.
    return text === undefined || text === '' ? undefined : (JSON.parse(text) as T);
  }

  /** The same in another region: CloudFront and its certificates are at home in us-east-1. */
  in(region: string): Aws {
    return new Aws(this.#shell, region);
  }
}
