import type { ViewerRequest } from '../../cloudfront/message.ts';

/** A viewer's request for a URL as pages write it. */
export function asked(url: string, over: Partial<ViewerRequest> = {}): ViewerRequest {
  const [path = '', ...rest] = url.split('?');
  return { method: 'GET', path, query: rest.join('?'), headers: {}, address: '203.0.113.9', ...over };
}

/** A clock that stands until it is moved. */
export class Clock {
  #ms = Date.now();
  readonly now = (): number => this.#ms;

  pass(seconds: number): void {
    this.#ms += seconds * 1000;
  }
}
