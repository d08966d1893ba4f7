import type { Test } from 'tap';
import { resultKey } from '../../server/core/query/id.ts';
import type { ImageRecord } from '../../server/stores/images.ts';
import type { VariantRecord } from '../../server/stores/variants.ts';
import { noise } from '../support/api.ts';
import { storedKey } from '../support/results.ts';
import { waitFor } from '../support/wait.ts';
import { isDrained } from '../support/warmer.ts';
import { type Deployment, VARIANTS } from './deployment.ts';

interface Moment {
  readonly image: ImageRecord | undefined;
  readonly variants: readonly VariantRecord[];
  readonly results: number;
  readonly waiting: number;
}

const ready = ({ variants }: Moment) => variants.filter(({ status }) => status === 'ready').length;
const begun = ({ variants }: Moment) => variants.filter(({ status }) => status !== 'queued').length;

/** The steps of a job, each as it looks from outside. */
export const STEPS: Readonly<Record<string, (moment: Moment) => boolean>> = {
  'the message was received': ({ waiting }) => waiting === 0,
  'a variant is being rendered': (moment) => begun(moment) > 0,
  'a result is stored, its variant not ready yet': (moment) => moment.results > ready(moment),
  'some variants are ready': (moment) => ready(moment) > 0,
  'all variants are ready': (moment) => ready(moment) === VARIANTS.length,
  'the image is completed': ({ image }) => image?.status === 'completed',
};

let seed = 1000;

/** Kills a warmer at a step of a job; what it was at has to be done by the next one. */
export async function killedAt(t: Test, step: string, deployment: Deployment): Promise<void> {
  const { records, results, jobs } = deployment.stores;
  const isReached = STEPS[step] ?? (() => false);
  const look = async (id: string): Promise<Moment> => ({
    image: await records.images.get(id),
    variants: await records.variants.list(id),
    results: (await results.list({ prefix: resultKey(id, ''), limit: 100 })).items.length,
    waiting: (await jobs.depth()).ready,
  });
  const warmer = await deployment.startWarmer();
  let id = '';
  let moment: Moment;
  // A step that lasts less than a look may be missed: then with another image.
  do {
    id = await deployment.upload(await noise(600, 400, seed++));
    do moment = await look(id);
    while (!isReached(moment) && moment.image?.status !== 'completed');
  } while (!isReached(moment));
  await deployment.killWarmer(warmer);
  await deployment.look();
  t.comment(`${moment.image?.status}, ${moment.results} results, ${ready(moment)} ready`);
  const next = await deployment.startWarmer();
  await waitFor(async () => (await records.images.get(id))?.status === 'completed');
  // The message of the last step comes again after its visibility, and finds nothing to do.
  await waitFor(() => isDrained({ jobs }));
  await deployment.killWarmer(next);
  await deployment.look();
  for (const variant of await records.variants.list(id)) {
    t.equal(variant.status, 'ready', variant.variant);
    const etags = deployment.seen.get(storedKey(id, variant.variant))?.size;
    t.equal(etags, 1, `${variant.variant}: one result`);
  }
}
