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
