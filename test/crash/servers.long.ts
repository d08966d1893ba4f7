import t from 'tap';
import { startRecords } from '../support/emulators.dynamodb.ts';
import { emulated } from '../support/emulators.ts';
import { startWire } from '../support/wire.ts';
import { crash } from './scenario.ts';

/** Of the messages that are sent, how many come once more, later. */
const TWICE = 0.05;
/** 2,000 of them take minutes and servers of another make: those of npm hold all in the memory of this process. */
const IMAGES = Number(process.env['IMAGES'] ?? 100);
/** Of warmers, beside four of the server. */
const KILLS = IMAGES < 1_000 ? 6 : 16;

t.setTimeout(3_600_000);
t.test(`${IMAGES} images over S3, DynamoDB and SQS, two warmers, ${KILLS + 4} kills`, async (t) => {
  const stores = await emulated(t, await startRecords(), { maxReceives: 100 });
  if (!stores) return;
  const queue = await startWire(stores['SQS_ENDPOINT'] ?? '');
  t.teardown(() => queue.stop());
  let [sent, seed] = [0, 7];
  const isTwice = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return seed / 0x7fffffff < TWICE;
  };
  queue.fault = {
    kind: 'twice',
    hits: (_method, _url, headers) => {
      const isSend = String(headers['x-amz-target']).startsWith('AmazonSQS.SendMessage');
      if (isSend) sent += 1;
      return isSend && isTwice();
    },
  };
  const { accepted, faults, seconds } = await crash({
    images: IMAGES,
    warmers: 2,
    kills: KILLS,
    serverKills: 4,
    seed: 11,
    stores: { ...stores, SQS_ENDPOINT: queue.endpoint },
  });
  t.comment(`${accepted} images, ${sent} messages, ${queue.harmed} of them twice, ${seconds.toFixed(0)} s`);
  t.equal(accepted, IMAGES);
  t.same(faults.slice(0, 20), [], `${faults.length} faults`);
});
