import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Session } from '../core/tree.ts';

/** A blocked Stop is among the last things that a transcript says. */
const TAIL_BYTES = 65_536;

/**
 * Which hook keeps the main thread from stopping, by its command, as the client wrote it down at the last Stop it
 * blocked. null: the transcript does not tell. Read once, when a loop is recognised.
 */
export function driverOf(session: Session): string | null {
  if (session.transcript === null) return null;
  for (const line of tailOf(session.transcript).split('\n').reverse()) {
    if (!line.includes('hook_blocking_error')) continue;
    const command = commandIn(line);
    if (command !== null) return command;
  }
  return null;
}

function commandIn(line: string): string | null {
  try {
    const { attachment } = JSON.parse(line) as { attachment?: { hookName?: unknown; blockingError?: { command?: unknown } } };
    const command = attachment?.blockingError?.command;
    return attachment?.hookName === 'Stop' && typeof command === 'string' ? command.slice(0, 1_000) : null;
  } catch {
    return null;
  }
}

function tailOf(file: string): string {
  try {
    const handle = openSync(file, 'r');
    try {
      const { size } = fstatSync(handle);
      const length = Math.min(size, TAIL_BYTES);
      const bytes = Buffer.alloc(length);
      return bytes.toString('utf8', 0, readSync(handle, bytes, 0, length, size - length));
    } finally {
      closeSync(handle);
    }
  } catch {
    return '';
  }
}
