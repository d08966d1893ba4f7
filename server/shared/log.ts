import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino';

export interface LogSettings {
  readonly logLevel: string;
  /** auto: words on a terminal, JSON elsewhere. */
  readonly logFormat: 'auto' | 'json' | 'words';
  /** Whether JSON lines name their level: `info` in place of 30. */
  readonly logLevelNames: boolean;
}

export interface LogTarget {
  readonly fd: number;
  readonly isTerminal: boolean;
}

const STDOUT: LogTarget = { fd: 1, isTerminal: process.stdout.isTTY === true };

/** Lines on stdout, buffered: a synchronous line costs a memory hit a quarter of its speed. */
export async function createLog(
  { logLevel: level, logFormat, logLevelNames }: LogSettings,
  { fd, isTerminal }: LogTarget = STDOUT,
): Promise<{ log: Logger; flush: () => Promise<void> }> {
  const isWords = logFormat === 'words' || (logFormat === 'auto' && isTerminal);
  // Who reads along does not wait for a buffer to fill.
  const buffered = isTerminal ? { sync: true } : { sync: false, minLength: 4096, periodicFlush: 500 };
  const destination = pino.destination({ fd, ...buffered });
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    ...(logLevelNames && !isWords && { formatters: { level: (label) => ({ level: label }) } }),
  };
  const log = pino(options, isWords ? await inWords(destination, isTerminal) : destination);
  // Not flushSync: where nobody reads the log any more, it tries again for ever, and nobody is answered meanwhile.
  const flush = () => new Promise<void>((resolve) => destination.flush(() => resolve()));
  return { log, flush };
}

/** Formatted in this process, not behind a stream of its own: the last lines of a program must be out when it ends. */
async function inWords(destination: DestinationStream, isTerminal: boolean): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  const format = pretty.prettyFactory({
    colorize: isTerminal && pretty.isColorSupported,
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
  });
  return { write: (line) => void destination.write(format(line)) };
}
