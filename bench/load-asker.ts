/** The process that asks for new pictures, see overload.ts; it sends their times and statuses. */

import { BROWSER, newPicture } from './new-pictures.ts';
import { paced } from './paced.ts';

const [base = '', from = '0', perSecond = '100', seconds = '10'] = process.argv.slice(2);
const pace = { perSecond: Number(perSecond), seconds: Number(seconds), headers: BROWSER };
process.send?.(await paced((number) => base + newPicture(Number(from) + number), pace));
process.disconnect();
