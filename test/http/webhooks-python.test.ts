import { spawnSync } from 'node:child_process';
import t from 'tap';
import { webhookHeaders } from '../../server/writing/webhook-signature.ts';

/** A receiver as the package of the specification has it: says of each call whether it is one of ours. */
const RECEIVER = `
import json, sys
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
def verdict(call):
    try:
        return Webhook(call["secret"]).verify(call["body"], call["headers"])["type"]
    except WebhookVerificationError as error:
        return "refused: " + str(error)
print(json.dumps([verdict(call) for call in json.load(sys.stdin)]))
`;
const python = process.env['WEBHOOKS_PYTHON'] ?? 'python3';
const found = spawnSync(python, ['-c', 'import standardwebhooks']);
const skip =
  found.status === 0 ? false : `${python} has no package standardwebhooks: pip install standardwebhooks`;

t.test('the package of PyPI takes our calls, by any of the secrets, and no other', { skip }, async (t) => {
  const texts = ['a secret of 32 bytes, as it may be', 'the one that comes after it, to be'];
  const [secret = '', next = ''] = texts.map((text) => Buffer.from(text).toString('base64'));
  const body = JSON.stringify({ type: 'image.finished', data: { id: 'Zürich 写真.jpg' } });
  const message = { id: 'msg_1', unixSeconds: Date.now() / 1000, body };
  const headers = webhookHeaders([`whsec_${secret}`, texts[1] ?? ''], message);
  const old = webhookHeaders([`whsec_${secret}`], { ...message, unixSeconds: message.unixSeconds - 3600 });
  const good = [
    { secret, body, headers },
    { secret: `whsec_${secret}`, body, headers },
    { secret: next, body, headers },
  ];
  const bad = [
    { secret, body: `${body} `, headers },
    { secret: Buffer.from('another').toString('base64'), body, headers },
    { secret, body, headers: { ...headers, 'webhook-id': 'msg_2' } },
    { secret, body, headers: old },
  ];
  const input = JSON.stringify([...good, ...bad]);
  const { stdout, stderr, status } = spawnSync(python, ['-c', RECEIVER], { input, encoding: 'utf8' });
  t.equal(status, 0, stderr);
  const verdicts: string[] = JSON.parse(stdout);
  t.same(
    verdicts.slice(0, good.length),
    good.map(() => 'image.finished'),
  );
  t.ok(
    verdicts.slice(good.length).every((verdict) => verdict.startsWith('refused')),
    stdout,
  );
});
