import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesise } from '../../app.ts';
import type { Values } from '../../settings.ts';

/** A digest as a push would print it; no such image exists. */
export const IMAGE = `123456789012.dkr.ecr.us-east-1.amazonaws.com/rendition@sha256:${'a1'.repeat(32)}`;

export type Resources = Record<string, Record<string, Record<string, unknown>>>;

export interface Synthesised {
  directory: string;
  file: string;
  json: {
    resource: Resources;
    data?: Resources;
    output: Record<string, Record<string, unknown>>;
    terraform: Record<string, unknown>;
  };
}

/** The local state lies three folders above a stack's: inside of what is made here. */
const freshOutdir = (): string => join(mkdtempSync(join(tmpdir(), 'rendition-synth-')), 'cdktf.out');

/** Synthesises one stage named `dev` into a new temporary directory. */
export async function synthStage(values: Values = {}, outdir = freshOutdir()): Promise<Synthesised> {
  await synthesise({ stages: { dev: { image: IMAGE, ...values } }, environment: {}, outdir });
  return readStack(outdir, 'rendition-dev');
}

/** Synthesises a stage `prod` and its replica `second`. */
export async function synthPair(
  prod: Values,
  second: Values,
): Promise<{ original: Synthesised; replica: Synthesised }> {
  const outdir = freshOutdir();
  await synthesise({ stages: { prod, second }, environment: {}, outdir });
  return { original: readStack(outdir, 'rendition-prod'), replica: readStack(outdir, 'rendition-second') };
}

/** Synthesises the account's stack of a stage `dev`, and of others. */
export async function synthAccount(
  values: Values = {},
  others: Readonly<Record<string, Values>> = {},
): Promise<Synthesised> {
  const outdir = freshOutdir();
  await synthesise({ stages: { dev: { ...values }, ...others }, environment: {}, outdir });
  return readStack(outdir, 'rendition-account');
}

function readStack(outdir: string, name: string): Synthesised {
  const directory = join(outdir, 'stacks', name);
  const file = join(directory, 'cdk.tf.json');
  return { directory, file, json: JSON.parse(readFileSync(file, 'utf8')) };
}

/** All resources of a type. */
export function resources({ json }: Synthesised, type: string): Record<string, unknown>[] {
  return Object.values(json.resource[type] ?? {});
}

/** The one resource of a type, or the one of that name. */
export function resource(from: Synthesised, type: string, name?: string): Record<string, unknown> {
  const [only, another] = name ? [from.json.resource[type]?.[name]] : resources(from, type);
  if (!only || another) throw new Error(`Expected one ${type} ${name ?? ''}`);
  return only;
}
