import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setsOwnWay } from '../core/own-way.ts';
import type { TicketProgram } from '../core/ticketable.ts';

/** Where each program looks, in its own order. wget reads all of these, curl the first. */
const WGET_SYSTEM = ['/etc/wgetrc', '/usr/local/etc/wgetrc', '/opt/homebrew/etc/wgetrc'];

/** What the user's own configuration of a program says, and whether it is about the way of its requests. */
export function readUserConfig(program: TicketProgram, userHome: string): { text: string; ownWay: boolean } {
  const files = program === 'curl' ? [join(userHome, '.curlrc'), join(userHome, '.config', 'curlrc')] : [...WGET_SYSTEM, join(userHome, '.wgetrc')];
  const text = files.map(read).join('\n').trim();
  return { text, ownWay: setsOwnWay(text) };
}

/** A file that cannot be read, the program cannot read either. */
function read(file: string): string {
  // Asked for every network command, and an error costs more than the question.
  if (!existsSync(file)) return '';
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
