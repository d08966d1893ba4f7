import { Problem } from '../shared/errors.ts';

/** Why a feed does not bring a picture in whose id somebody else has. */
export function ofAnother(id: string, feed: string | undefined): Problem {
  const owner = feed === undefined ? 'was not brought in by a feed' : `is a picture of the feed "${feed}"`;
  return new Problem('conflict', `The image "${id}" ${owner}, and stays as it is.`, { received: id });
}
