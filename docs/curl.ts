import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Splits a command as a shell would, as far as our examples need it. */
export function words(line: string): string[] {
  const parts = line.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return parts.map((part) =>
    part.replace(/'([^']*)'|"([^"]*)"/g, (_all, single, double) => single ?? double),
  );
}

/** Values of an option that may be given several times. */
const valuesOf = (all: readonly string[], option: string): string[] =>
  all.flatMap((word, index) => (word === option ? [all[index + 1] ?? ''] : []));

const pair = (text: string, separator: RegExp): [string, string] => {
  const [name = '', value = ''] = text.split(separator);
  return [name, value];
};

async function formOf(fields: readonly string[], folder: string): Promise<FormData> {
  const form = new FormData();
  for (const [name, value] of fields.map((field) => pair(field, /=(.*)/s))) {
    if (value.startsWith('@')) {
      const bytes = await readFile(join(folder, value.slice(1)));
      form.append(name, new Blob([new Uint8Array(bytes)]), value.slice(1));
    } else form.append(name, value);
  }
  return form;
}

/**
 * Does what a curl command of an example says, against another server than the one it names.
 *
 * @param line    with -X, -H, -d and -F where needed
 * @param base    scheme and host that are asked
 * @param folder  where files of `-F name=@file` lie
 */
export async function curl(line: string, base: string, folder: string): Promise<Response> {
  const all = words(line);
  const url = new URL(all.find((word) => /^http/.test(word)) ?? '');
  const fields = valuesOf(all, '-F');
  const [data] = valuesOf(all, '-d');
  const body = fields.length ? await formOf(fields, folder) : data;
  const [method = body === undefined ? 'GET' : 'POST'] = valuesOf(all, '-X');
  const headers = valuesOf(all, '-H').map((header) => pair(header, /: *(.*)/s));
  return fetch(base + url.pathname + url.search, {
    method,
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
  });
}
