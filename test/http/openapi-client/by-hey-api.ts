import { readFileSync } from 'node:fs';
import { createClient, createConfig } from './hey/client/index.ts';
import { getImage, getPicture, getStatus, uploadImages } from './hey/sdk.gen.ts';
import type { Status } from './hey/types.gen.ts';

const [baseUrl = '', token = '', file = ''] = process.argv.slice(2);
const client = createClient(createConfig({ baseUrl, auth: () => token }));

const picture = new Blob([readFileSync(file)]);
const body = { id: 'a/rose 2.jpg', variants: ['w=20&fmt=webp'], file: [picture] };
const uploaded = await uploadImages({ client, body });
if (uploaded.error || !uploaded.data || 'images' in uploaded.data)
  throw new Error(JSON.stringify(uploaded.error ?? uploaded.data));
const path = { id: uploaded.data.id };
let status: Status | undefined;
do {
  const answer = await getStatus({ client, path, query: { wait: 10 } });
  if (answer.error) throw new Error(answer.error.detail);
  // A text to who accepts events.
  status = typeof answer.data === 'object' ? answer.data : undefined;
} while (status && status.status !== 'completed');
const image = await getImage({ client, path });
const shown = await getPicture({ client, path, query: { w: 20, fmt: 'webp' }, parseAs: 'arrayBuffer' });
const none = await getImage({ client, path: { id: 'none.jpg' } });
const told = {
  id: path.id,
  progress: `${status?.done} of ${status?.total}`,
  requested: status?.requests.map(({ requested }) => requested),
  width: image.data?.original?.width,
  type: shown.response?.headers.get('content-type'),
  refusal: none.error?.code,
};
process.stdout.write(JSON.stringify(told));
