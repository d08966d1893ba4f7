import { hash } from 'node:crypto';
import { isId, STAGED } from '../core/query/id.ts';
import type { ImageRecord } from '../stores/images.ts';

/**
 * Where a form is posted to that a store takes itself: a key that no image has, so that whoever holds the form can never
 * touch one. It tells of the announcement, which a later one of the same id is not. Undefined for one that a checkout of
 * before has announced.
 */
export function formKey({ id, announced }: Pick<ImageRecord, 'id' | 'announced'>): string | undefined {
  if (announced?.secret === undefined) return undefined;
  return `${STAGED}${hash('sha256', `form\n${announced.secret}`).slice(0, 32)}/${id}`;
}

/** The id of the image that a form was for; undefined for any other key. */
export function idOfForm(key: string): string | undefined {
  if (!key.startsWith(STAGED)) return undefined;
  const [, id = ''] = key.slice(STAGED.length).split(/\/(.*)/s);
  return isId(id) ? id : undefined;
}
