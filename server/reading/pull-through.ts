import type { ImageRecord } from '../stores/images.ts';

/** Where originals come from that are not here. */
export interface PullThrough {
  /**
   * Brings the original of an id here. False: its id belongs to nobody who could have it.
   *
   * @throws Problem `image_not_found` where there is none, and those that say why it cannot be had
   */
  pull(id: string): Promise<boolean>;
  /**
   * A record has been read: it may be time to ask for another version.
   *
   * @param etag  of the original as it stands; undefined where that could not be had
   */
  seen(record: ImageRecord, etag: string | undefined): void;
}
