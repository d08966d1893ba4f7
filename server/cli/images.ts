import { createInterface } from 'node:readline/promises';
import { command, JSON_OPTION, type Operand, UsageError } from './command.ts';
import { DEPLOYMENT_OPTIONS, type Deployment, imagePath, openDeployment } from './deployment.ts';
import { each } from './each.ts';
import type { Output } from './output.ts';

const IDS: Operand = {
  name: 'ID',
  min: 1,
  max: Number.POSITIVE_INFINITY,
  doc: 'Ids of images; - reads them from the input, one a line.',
};

const OPTIONS = { ...DEPLOYMENT_OPTIONS, json: JSON_OPTION } as const;
type Where = Parameters<typeof openDeployment>[0];

async function idsOf(operands: readonly string[], input: NodeJS.ReadableStream): Promise<string[]> {
  if (!operands.includes('-')) return [...operands];
  const lines: string[] = [];
  for await (const line of createInterface({ input })) lines.push(line);
  return operands.flatMap((id) => (id === '-' ? lines.filter((line) => line !== '') : [id]));
}

/** Does `work` for every image, against one deployment. */
export async function forImages(
  { operands, values, output }: { operands: readonly string[]; values: Where; output: Output },
  work: (id: string, deployment: Deployment) => Promise<void>,
): Promise<void> {
  const ids = await idsOf(operands, output.input);
  const deployment = await openDeployment(values);
  try {
    await each(ids, output, (id) => work(id, deployment));
  } finally {
    await deployment.close();
  }
}

/** The status of an image, as the API's schema has it. */
interface Status {
  readonly id: string;
  readonly status: string;
  readonly error: string | null;
  readonly variants: readonly Variant[];
  readonly next: string | null;
}
interface Variant {
  readonly variant: string;
  readonly status: string;
  readonly bytes: number | null;
  readonly error: string | null;
}

const OPEN = ['uploading', 'uploaded', 'processing'];
/** Longest wait of one request. */
const POLL_SECONDS = 50;

export async function statusOf(deployment: Deployment, id: string, seconds: number): Promise<Status> {
  const ends = Date.now() + seconds * 1000;
  for (;;) {
    const wait = Math.max(0, Math.min(POLL_SECONDS, Math.ceil((ends - Date.now()) / 1000)));
    // The shape that the API's own schema gives it.
    const status = (await deployment.call('GET', imagePath(id, `/status?wait=${wait}`))) as Status;
    if (!OPEN.includes(status.status) || wait === 0) return wholeStatus(deployment, status);
  }
}

/** With the variants of all pages. */
async function wholeStatus(deployment: Deployment, first: Status): Promise<Status> {
  const variants = [...first.variants];
  for (let { next } = first; next !== null; ) {
    const path = imagePath(first.id, `/status?cursor=${encodeURIComponent(next)}`);
    // The shape that the API's own schema gives it.
    const page = (await deployment.call('GET', path)) as Status;
    variants.push(...page.variants);
    next = page.next;
  }
  return { ...first, variants, next: null };
}

function statusText({ id, status, error, variants }: Status): string {
  const lines = variants.map((entry) => {
    const facts = [entry.bytes === null ? '' : `${entry.bytes} bytes`, entry.error ?? ''].filter(Boolean);
    return `  ${entry.status.padEnd(9)} ${[entry.variant, ...facts].join('  ')}`;
  });
  return [`${id}: ${status}${error === null ? '' : ` (${error})`}`, ...lines].join('\n');
}

export function tellStatus(status: Status, output: Output): void {
  output.result({ ...status }, statusText(status));
  if (status.status === 'failed' || status.status === 'partial')
    output.failed(status.id, new Error(status.error ?? 'not all of its variants could be rendered'));
}

export function secondsOf(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`--wait ${text}: expected seconds, a whole number.`);
  return Number(text);
}

export const WAIT = { value: 'SECONDS', doc: 'Waits so long for a warmer to be finished with it.' } as const;

export const status = command({
  name: 'status',
  summary: 'Says how far images and their variants are.',
  operand: IDS,
  options: { wait: WAIT, ...OPTIONS },
  examples: ['status products/shoe.jpg --wait 60'],
  run: async (invocation) => {
    const seconds = secondsOf(invocation.values.wait);
    await forImages(invocation, async (id, deployment) =>
      tellStatus(await statusOf(deployment, id, seconds), invocation.output),
    );
  },
});

export const warm = command({
  name: 'warm',
  summary: 'Has variants of images rendered before anybody asks.',
  operand: IDS,
  options: {
    variants: {
      value: 'QUERY',
      isRepeatable: true,
      doc: 'What to render: w=800&fmt=webp, or p=card for a preset.',
    },
    wait: WAIT,
    ...OPTIONS,
  },
  examples: ["warm products/shoe.jpg --variants 'w=800' --variants p=card --wait 60"],
  run: async (invocation) => {
    const { values, output } = invocation;
    const seconds = secondsOf(values.wait);
    const { variants } = values;
    if (variants.length === 0) throw new UsageError('warm needs --variants.');
    await forImages(invocation, async (id, deployment) => {
      await deployment.call('POST', imagePath(id, '/variants'), { json: { variants } });
      tellStatus(await statusOf(deployment, id, seconds), output);
    });
  },
});

export const unwarm = command({
  name: 'unwarm',
  summary: 'Asks for variants of images no more: their results and copies go.',
  about: 'Whoever requests such a picture gets it all the same, made then.',
  operand: IDS,
  options: {
    variants: {
      value: 'QUERY',
      isRepeatable: true,
      doc: 'What is no longer rendered ahead: w=800&fmt=webp, or p=card for a preset.',
    },
    ...OPTIONS,
  },
  examples: ["unwarm products/shoe.jpg --variants 'w=800'"],
  run: async (invocation) => {
    const { variants } = invocation.values;
    if (variants.length === 0) throw new UsageError('unwarm needs --variants.');
    await forImages(invocation, async (id, deployment) => {
      await deployment.call('DELETE', imagePath(id, '/variants'), { json: { variants } });
      invocation.output.result({ id, forgotten: true }, `${id}: not warmed any more`);
    });
  },
});

export const purge = command({
  name: 'purge',
  summary: 'Clears the results of images from every tier.',
  operand: IDS,
  options: { warm: { doc: 'Renders at once what was ready before.' }, ...OPTIONS },
  examples: ['purge products/shoe.jpg --warm'],
  run: (invocation) =>
    forImages(invocation, async (id, deployment) => {
      const path = imagePath(id, `/purge?warm=${invocation.values.warm}`);
      // The shape that the API's own schema gives it.
      const tiers = (await deployment.call('POST', path)) as {
        results: { removed: number };
        edge: { status: string };
      };
      const text = `${id}: ${tiers.results.removed} results removed; CDN: ${tiers.edge.status}`;
      invocation.output.result({ id, ...tiers }, text);
      if (tiers.edge.status === 'failed') invocation.output.failed(id, new Error('the CDN was not purged'));
    }),
});

export const remove = command({
  name: 'delete',
  summary: 'Deletes images: originals, records, results and copies at the edge.',
  about: 'One that is not there is deleted already.',
  operand: IDS,
  options: OPTIONS,
  examples: ['delete products/shoe.jpg', 'delete - < ids.txt'],
  run: (invocation) =>
    forImages(invocation, async (id, deployment) => {
      await deployment.call('DELETE', imagePath(id));
      invocation.output.result({ id, deleted: true }, `${id}: deleted`);
    }),
});
