import { closeSync, openSync, readSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { pageAsked } from '../core/operations/page.ts';
import { readTransformation } from '../core/operations/transformation.ts';
import { isHeic } from '../core/original/sniff.ts';
import { checkPixels, pageWithHeader, type Source } from '../core/original/source.ts';
import { groupPlans, type Member } from '../core/plan/groups.ts';
import { makePlan, type PlanOptions } from '../core/plan/plan.ts';
import type { ReadGlyphs } from '../core/render/drawing-warnings.ts';
import { type Outcome, openGroup, renderPicture, type Shared } from '../core/render/fan-out.ts';
import { fromRaw, type PassOptions } from '../core/render/pipeline.ts';
import { type Preview, previewOf } from '../core/render/preview.ts';
import { openOriginal, render } from '../core/render/render.ts';
import { rasterizeSvg } from '../core/render/svg.ts';
import { fillTemplate } from '../core/render/template.ts';
import type { Opened, Rendered } from '../core/render/types.ts';
import { sharpProblem } from '../core/sharp/sharp-errors.ts';
import { Problem } from '../shared/errors.ts';
import { failureOf } from './failure.ts';
import type { AnswerOf, AsksOf, GroupPart, OriginalRef, RenderSpec, Task } from './protocol.ts';

/** How a task speaks with whoever asked for it. */
export interface TaskContext {
  /** Fires when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Monotonic ms. */
  readonly now: () => number;
  readonly part: (part: GroupPart) => void;
  readonly readGlyphs: ReadGlyphs;
  readonly onDrawn: () => void;
  /** Whether these variants are still wanted. */
  readonly begins: (canonicals: readonly string[]) => Promise<boolean>;
}

/** A tenth of what a process reads when it starts, for what few originals are. */
const heic = () => import('./master.ts');

/** Does a task of any kind. */
export async function tasks(task: Task, context: TaskContext): Promise<AnswerOf<Task['kind']>> {
  switch (task.kind) {
    case 'open':
      return header(task);
    case 'render':
      return renderOne(task, context);
    case 'group':
      return renderGroup(task, context);
    case 'preview':
      return decodeOnce(task, context);
    case 'master':
      return (await heic()).makeMaster(bytesOf(task.original), task, context.signal);
    case 'mark':
      return decodeMark(task);
  }
}

/** Exactly the bytes of the original: a loader that reads by path would stumble over a store's trailer (SVG does). */
function bytesOf({ path, bytes }: OriginalRef): Buffer {
  const fd = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(bytes);
    let filled = 0;
    while (filled < bytes) {
      const bytesRead = readSync(fd, buffer, filled, bytes - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled === bytes) return buffer;
    throw new Problem('store_unavailable', 'The original came short from its store.', {
      retryAfterSeconds: 1,
    });
  } finally {
    closeSync(fd);
  }
}

/** Whose header was read last: its render comes next, nearly always to the same process. A path is that of one original. */
let last: { readonly path: string; readonly page: number; readonly opened: Opened } | undefined;
/** Larger ones are read again: an idle process keeps none of them. */
const KEPT_BYTES = 8 * 2 ** 20;

async function opened(original: OriginalRef, page = 0): Promise<Opened> {
  const isKept = last?.path === original.path && last.page === pageWithHeader(last.opened.source, page);
  const kept = isKept ? last?.opened : undefined;
  last = undefined;
  return kept ?? openOriginal(bytesOf(original), { ...original, page });
}

async function header({ original, page = 0 }: AsksOf<'open'>): Promise<Source> {
  last = undefined;
  const bytes = bytesOf(original);
  if (isHeic(bytes)) return (await heic()).heicSource(bytes);
  const read = await openOriginal(bytes, { ...original, page });
  if (read.bytes.length <= KEPT_BYTES)
    last = { path: original.path, page: pageWithHeader(read.source, page), opened: read };
  return read.source;
}

const optionsOf = ({ priority, limits, focal, watermark, watermark2, probe }: RenderSpec): PlanOptions => ({
  priority,
  limits,
  focal,
  watermark,
  watermark2,
  probe,
});

const passOf = ({ timeoutSeconds }: RenderSpec, { signal }: TaskContext): PassOptions => ({
  timeoutSeconds,
  signal,
});

async function renderOne({ original, spec }: AsksOf<'render'>, context: TaskContext): Promise<Rendered> {
  const values = readTransformation(spec.canonical);
  const source = await opened(original, pageAsked(values));
  context.signal.throwIfAborted();
  const options = optionsOf(spec);
  const plan = makePlan(source.source, values, options);
  const pass = passOf(spec, context);
  const { now, readGlyphs, onDrawn } = context;
  const rendered = await render({
    opened: source,
    plan,
    options,
    pass,
    now,
    readGlyphs,
    onDrawn,
    maxPixels: spec.limits.maxPixels,
  });
  letGo(source.bytes, rendered.bytes);
  return rendered;
}

/**
 * Frees an original that has been rendered. Left to the collector, sixteen photographs made it look through all of the heap:
 * 2 ms of the processor for each. Only after an end without an error: else a loader may be reading yet.
 */
function letGo(original: Uint8Array, result?: Uint8Array): void {
  const { buffer, byteLength } = original;
  const isAlone = buffer.byteLength === byteLength && buffer !== result?.buffer;
  if (isAlone && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** A file that a loader can read: what is stored compressed is written out, once for an original. */
async function fileOf({ path }: OriginalRef, inflated: Uint8Array | undefined): Promise<string> {
  if (!inflated) return path;
  const file = join(tmpdir(), basename(path));
  await writeFile(file, inflated);
  return file;
}

async function renderGroup({ original, specs }: AsksOf<'group'>, context: TaskContext): Promise<undefined> {
  if (specs.length === 0) return undefined;
  const stored = bytesOf(original);
  const byPage = Map.groupBy(specs, ({ canonical }) => pageAsked(readTransformation(canonical)));
  for (const [page, ofPage] of byPage) await renderPage({ original, stored, page, specs: ofPage }, context);
  return undefined;
}

interface OfPage {
  readonly original: OriginalRef;
  readonly stored: Buffer;
  readonly page: number;
  readonly specs: readonly RenderSpec[];
}

/** What is asked for of one page, which may be like no other. */
async function renderPage({ original, stored, page, specs }: OfPage, context: TaskContext): Promise<void> {
  const [first] = specs;
  if (!first) return;
  const source = await openOriginal(stored, { ...original, page });
  const shared: Shared = {
    opened: source,
    maxPixels: first.limits.maxPixels,
    pass: passOf(first, context),
    now: context.now,
    readGlyphs: context.readGlyphs,
    path: () => fileOf(original, source.bytes === stored ? undefined : source.bytes),
  };
  const members = specs.map((spec): Member => {
    const options = optionsOf(spec);
    const plan = makePlan(shared.opened.source, readTransformation(spec.canonical), options);
    return { name: spec.canonical, plan, options };
  });
  for (const group of groupPlans(members)) {
    const started = context.now();
    const base = await openGroup(group, shared);
    const share = base ? (context.now() - started) / group.pictures.flat().length : 0;
    for (const picture of group.pictures) {
      if (!(await context.begins(picture.map(({ name }) => name)))) continue;
      for await (const outcome of renderPicture(picture, base, shared)) context.part(partOf(outcome, share));
    }
  }
  if (source.bytes !== stored) await rm(join(tmpdir(), basename(original.path)), { force: true });
}

function partOf(outcome: Outcome, share: number): GroupPart {
  const canonical = outcome.member.name;
  if ('error' in outcome) return { canonical, failure: failureOf(outcome.error), ms: share };
  const { decode, transform, encode } = outcome.rendered.timings;
  return { canonical, rendered: outcome.rendered, ms: share + decode + transform + encode };
}

async function decodeOnce(
  { original, limits, timeoutSeconds }: AsksOf<'preview'>,
  { signal, now }: TaskContext,
): Promise<Preview> {
  const source = await opened(original);
  const preview = await previewOf(source, { limits, pass: { timeoutSeconds, signal }, now });
  letGo(source.bytes);
  return preview;
}

/** All of it, so that a mark that breaks off in the middle is refused when it is read and not on every picture. */
async function decodeMark({ original, limits, side, text = '' }: AsksOf<'mark'>): Promise<AnswerOf<'mark'>> {
  try {
    const { bytes, source } = await opened(original);
    checkPixels(source, 1, limits);
    const { width, height } = source.stored;
    const scale = side / Math.max(width, height);
    const size = { width: Math.ceil(width * scale), height: Math.ceil(height * scale) };
    const filled = source.vector ? fillTemplate(bytes, text) : undefined;
    const image = source.vector
      ? fromRaw(await rasterizeSvg(filled ?? bytes, size, { timeoutSeconds: 10 }))
      : sharp(bytes, { limitInputPixels: limits.maxPixels }).autoOrient();
    const { data, info } = await image.png({ compressionLevel: 1 }).toBuffer({ resolveWithObject: true });
    const drawn = { width: info.width, height: info.height };
    return { bytes: data, size: drawn, takesText: filled !== undefined };
  } catch (error) {
    throw sharpProblem(error);
  }
}
