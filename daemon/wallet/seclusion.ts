import { readFileSync, writeFileSync } from 'node:fs';

const FILTER = '/proc/self/coredump_filter';

/**
 * Keeps what is in the daemon's memory out of files and debuggers. null: done; else what could not be done, a sentence for the
 * log. A core file holds no page of memory where Linux is told so, wherever it is sent; elsewhere Node can neither limit
 * nor filter it, and the system's own setting stands (off by default on macOS and Windows).
 */
export function seclude(filter: string = FILTER): string | null {
  // Node would open its debugger at this signal, and any program of the user may send it.
  if (process.platform !== 'win32') process.on('SIGUSR1', () => {});
  if (process.platform !== 'linux') return "core files are not limited: Node cannot do it here, so the system's own setting stands";
  try {
    writeFileSync(filter, '0');
    if (Number.parseInt(readFileSync(filter, 'utf8'), 16) === 0) return null;
  } catch {
    // Said below.
  }
  return `core files are not limited: ${filter} cannot be written`;
}
