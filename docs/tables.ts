import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { COMMANDS } from '../server/cli/commands.ts';
import { helpOf } from '../server/cli/help.ts';
import { SETTINGS } from '../server/config/settings.ts';
import { FORMAT_TABLE } from '../server/core/plan/formats.ts';
import { codecQuality } from '../server/core/plan/quality.ts';
import { PROBLEMS, type ProblemCode, problemCacheControl } from '../server/shared/errors.ts';
import { apiExamples } from './api-examples.ts';
import { calls } from './calls.ts';
import { anchor, code, plain, table } from './markdown.ts';
import { metrics } from './metrics.ts';
import { migration } from './migrate.ts';
import { order, parameters, spellings } from './parameters.ts';
import { rooms } from './rooms.ts';
import { withServer } from './server.ts';

/** Depends on the machine that writes this. */
const PER_CORE = new Set(['RENDER_SLOTS', 'WARM_SLOTS']);

function settings(): string {
  const rows = Object.values(SETTINGS).map(({ variable, parser, fallback, doc }) => {
    const shown = fallback === undefined ? '-' : fallback === '' ? 'empty' : code(fallback);
    return [
      `<a id="${variable.toLowerCase()}"></a>${code(variable)}`,
      plain(parser.expected),
      PER_CORE.has(variable) ? 'one per core' : shown,
      plain(doc),
    ];
  });
  return table(['variable', 'value', 'default', 'what it does'], rows);
}

function overviewOfCommands(): string {
  const rows = COMMANDS.map(({ name, summary }) => [`[${code(name)}](#${anchor(name)})`, plain(summary)]);
  return table(['command', 'does'], rows);
}

function commands(): string {
  return COMMANDS.map((command) => `### ${command.name}\n\n\`\`\`text\n${helpOf(command)}\`\`\``).join(
    '\n\n',
  );
}

function errors(): string {
  const codes = Object.keys(PROBLEMS).filter((key): key is ProblemCode => key in PROBLEMS);
  const rows = codes.map((key) => {
    const [status, title] = PROBLEMS[key];
    return [String(status), code(key), title, problemCacheControl(key)];
  });
  return table(['status', 'code', 'title', 'Cache-Control'], rows);
}

/** What a mistake in a URL is answered with. */
function problem(): Promise<string> {
  return withServer({}, async (app) => {
    const url = '/img/<id>?w=9000';
    const { body, statusCode } = await app.inject(url.replace('<id>', 'samples/ladybug.jpg'));
    const shown = JSON.stringify({ ...JSON.parse(body), instance: '3lIZne7n-9' }, null, 2);
    return `\`GET ${url}\` answers ${statusCode}:\n\n\`\`\`json\n${shown}\n\`\`\``;
  });
}

async function managementCalls(): Promise<string> {
  const rows = (await calls()).flatMap(({ method, path, summary }) => {
    const call = `${method} ${path}`;
    return path.startsWith('/api/') ? [[`[${code(call)}](#${anchor(call)})`, plain(summary)]] : [];
  });
  return table(['call', 'does'], rows);
}

/** What `npm run bench -- efforts` has written. */
async function efforts(): Promise<string> {
  const file = new URL('../bench/efforts.json', import.meta.url);
  if (!existsSync(file)) return 'It has not been run on a quiet machine for this version.';
  const told: { day: string; versions: string; photographs: number; rows: string[][] } = JSON.parse(
    await readFile(file, 'utf8'),
  );
  const head = [
    'format',
    'setting',
    'lane',
    'CPU ms',
    'CPU to WebP effort 4',
    'bytes',
    'bytes to WebP effort 4',
  ];
  const foot = `Medians and means of ${told.photographs} photographs at w=800. Bytes at equal SSIMULACRA2 (70), the first column within a format: to JPEG baseline, WebP effort 4, AVIF effort 1. Measured on ${told.day} with ${told.versions}.`;
  return `${table(head, told.rows)}\n\n${foot}`;
}

function prices(): string {
  const rows = Object.entries(FORMAT_TABLE).flatMap(([format, { cost, paletteCost, memory }]) => {
    const row = (name: string, { fast, live, warm }: typeof cost) => [
      name,
      ...[fast, live, warm, memory].map(String),
    ];
    return [row(format, cost), ...(paletteCost ? [row(`${format} of a palette`, paletteCost)] : [])];
  });
  return table(
    ['format', '`effort=fast`', '`std`, request', '`std`, warmer; `small`', 'bytes of memory per pixel'],
    rows,
  );
}

const SHOWN_QUALITIES = [30, 50, 65, 75, 85, 95];

function qualities(): string {
  const rows = SHOWN_QUALITIES.map((q) => [
    String(q),
    ...(['jpeg', 'webp', 'avif'] as const).map((format) => String(codecQuality(format, q))),
  ]);
  return table(['`q`', 'JPEG', 'WebP', 'AVIF'], rows);
}

/** Makes the text of a section, by its name. */
export type Sections = Readonly<Record<string, () => string | Promise<string>>>;

/** What is generated, by file and section. */
export const SECTIONS: Readonly<Record<string, Sections>> = {
  'docs/parameters.md': { order, parameters, spellings },
  'docs/settings.md': { settings },
  'docs/metrics.md': { metrics },
  'docs/cli.md': { overview: overviewOfCommands, commands },
  'docs/http.md': { problem, errors },
  'docs/api.md': { calls: managementCalls, examples: apiExamples },
  'docs/migrate.md': migration,
  'CONTRIBUTING.md': { rooms },
  'docs/performance.md': { efforts, prices },
  'docs/quality.md': { qualities },
};
