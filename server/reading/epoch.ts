import { hash } from 'node:crypto';
import type { Config } from '../config/settings.ts';
import { PIPELINE } from '../core/version.ts';

/**
 * What is written behind the canonical form in the place of a result, for what it depends on besides its original:
 * one text for pictures without a watermark, one for those with.
 */
export interface Epochs {
  readonly plain: string;
  readonly marked: string;
}

type EpochSettings = Pick<Config, 'revision' | 'watermarks'>;

const epochOf = ({ revision }: Pick<Config, 'revision'>): string =>
  revision === '' ? PIPELINE : `${PIPELINE}-${revision}`;

/**
 * Where results lie. Of what carries a watermark only the server can say whether it is current, since a mark may be
 * replaced at any time: so it lies where the edge never looks.
 */
export function epochsInBucket(settings: Pick<Config, 'revision'>): Epochs {
  const epoch = epochOf(settings);
  return { plain: epoch, marked: `${epoch}~m` };
}

/** What the edge asks for: with results first nobody else is asked, so a deployment moves it to another place. */
export function epochsAtEdge(settings: EpochSettings): Epochs {
  const names = JSON.stringify(Object.entries(settings.watermarks).sort());
  const epoch = epochOf(settings);
  return { plain: epoch, marked: `${epoch}~${hash('sha256', names, 'hex').slice(0, 8)}` };
}

/** The last segment of a result, with the number of the pipeline that it was made by. */
const PLACE = /^[a-z0-9]+=.*&_=(\d+)(?:-[a-z0-9]{1,12})?(?:~m)?$/;
/** The same of one that was made before a place said that: a canonical form alone. */
const FORM_ALONE = /^[a-z0-9]+=(?!.*&_=)/;

/**
 * Whether a result lies where no program of this pipeline looks, nor one of a later pipeline. Those of another REVISION
 * are somebody else's: revisions have no order, and two deployments may share a bucket.
 *
 * @param key  in the results bucket
 */
export function isOutdated(key: string): boolean {
  const form = key.slice(key.lastIndexOf('/') + 1);
  const [, pipeline] = PLACE.exec(form) ?? [];
  return pipeline === undefined ? FORM_ALONE.test(form) : Number(pipeline) < Number(PIPELINE);
}
