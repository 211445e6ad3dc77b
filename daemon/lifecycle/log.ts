import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import { errorCode } from '../contract/problem.ts';

export type LogFields = Record<string, string | number | boolean | null | undefined>;

export interface Log {
  info(text: string, fields?: LogFields): void;
  warn(text: string, fields?: LogFields): void;
  /** An `Error` is written with its code, stack and cause. */
  error(text: string, error?: unknown, fields?: LogFields): void;
  close(): void;
}

export const MAX_LOG_BYTES = 1024 * 1024;

/**
 * One line per event, `2026-11-21T07:38:00.000Z info listening port=4402`. Three files at most: the log, .1 and .2. The file
 * is copied and cut, not renamed: the daemon's own stdout and stderr point at it, and a crash must not be written into a
 * file that nobody looks at. A full disk costs lines, never the daemon; the next line that fits says how many.
 */
export function openLog(file: string, options: { maxBytes?: number; clock?: () => number } = {}): Log {
  const maxBytes = options.maxBytes ?? MAX_LOG_BYTES;
  const clock = options.clock ?? Date.now;
  const handle = openSync(file, 'a', 0o600);
  let size = fstatSync(handle).size;
  let lost = 0;

  const write = (level: string, text: string, fields?: LogFields): void => {
    const missing = lost > 0 ? `${stamp(clock())} warn lines lost count=${lost}\n` : '';
    const line = Buffer.from(`${missing}${stamp(clock())} ${level} ${oneLine(text)}${formatFields(fields)}\n`);
    try {
      if (size + line.length > maxBytes && size > 0) {
        rotate(file, handle);
        size = 0;
      }
      writeSync(handle, line);
      size += line.length;
      lost = 0;
    } catch {
      lost += 1;
    }
  };

  return {
    info: (text, fields) => write('info', text, fields),
    warn: (text, fields) => write('warn', text, fields),
    error: (text, error, fields) => write('error', `${text}${error === undefined ? '' : `: ${describe(error)}`}`, fields),
    close: () => closeSync(handle),
  };
}

function rotate(file: string, handle: number): void {
  try {
    renameSync(`${file}.1`, `${file}.2`);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  copyFileSync(file, `${file}.1`);
  ftruncateSync(handle, 0);
}

function stamp(now: number): string {
  return new Date(now).toISOString();
}

/** A line break in a logged text would let it forge the next line. */
function oneLine(text: string): string {
  return text.replace(/\r?\n/g, ' | ').replace(/[\u0000-\u001f\u007f]/g, ' ');
}

function formatFields(fields: LogFields | undefined): string {
  if (fields === undefined) return '';
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : oneLine(String(value))}`)
    .join('');
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : ` (cause: ${describe(error.cause)})`;
  return `${errorCode(error) === undefined ? '' : `[${errorCode(error)}] `}${error.stack ?? error.message}${cause}`;
}
