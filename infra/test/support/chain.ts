import type { Test } from 'tap';
import { PATIENT } from '../../../test/support/env.ts';
import type { Distribution } from '../../cloudfront/distribution.ts';
import { type Laptop, type LaptopOptions, startLaptop } from '../../cloudfront/laptop.ts';

/** On a machine that does much else nothing is wrong with an answer that takes minutes. */
const patient = (distribution: Distribution): Distribution => ({
  ...distribution,
  origins: new Map(
    [...distribution.origins].map(([id, origin]) => [
      id,
      { ...origin, readSeconds: 600, connectionSeconds: 60 },
    ]),
  ),
});

/** A whole stage before real programs, for the time of a test. */
export async function laptop(
  t: Test,
  options: Omit<LaptopOptions, 'port' | 'alter' | 'idleSeconds'>,
): Promise<Laptop> {
  t.setTimeout(1_800_000);
  // A picture that an idle warmer makes smaller between two looks would be a difference.
  const compared = { UPGRADE: 'off', STOP_MS: '20000', LOG_LEVEL: 'info' };
  const environment = { ...PATIENT, ...compared, ...options.environment };
  const started = await startLaptop({ ...options, environment, port: 0, alter: patient, idleSeconds: 600 });
  t.teardown(() => started.stop());
  return started;
}
