import { PIPELINE } from '../../server/core/version.ts';
import { isOutdated } from '../../server/reading/epoch.ts';
import { FileObjects } from '../../server/stores/files/objects.ts';
import { removeOutdated } from '../../server/stores/files/outdated.ts';

/** Removes what is outdated until it has looked at so many keys; then it says so, and hangs there until killed. */
const [, , folder = '', looks = ''] = process.argv;
let seen = 0;
const isStopping = () => {
  seen += 1;
  if (seen < Number(looks)) return false;
  process.stdout.write('there\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  return false;
};
await removeOutdated(await FileObjects.open(folder), folder, { epoch: PIPELINE, isOutdated, isStopping });
