import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setsOwnWay } from '../core/own-way.ts';
import type { ConfiguredProgram } from '../core/past-gateway.ts';
import type { Clock } from '../ports.ts';

/** Where each program looks, in its own order. wget reads all of these, curl the first. */
const WGET_SYSTEM = ['/etc/wgetrc', '/usr/local/etc/wgetrc', '/opt/homebrew/etc/wgetrc'];
const PROGRAMS: readonly ConfiguredProgram[] = ['curl', 'wget'];

/** How long what the person's own files say is taken to hold: every network command asks, and a person changes them by hand. */
const HOLDS_MS = 1_000;

/** Programs that the person's own configuration files send another way than the session's environment does. */
export function createOwnConfig(userHome: string, clock: Clock): () => ReadonlySet<ConfiguredProgram> {
  let read = { at: Number.NEGATIVE_INFINITY, programs: new Set<ConfiguredProgram>() };
  return () => {
    if (clock() - read.at >= HOLDS_MS) read = { at: clock(), programs: new Set(PROGRAMS.filter((program) => setsOwnWay(textOf(program, userHome)))) };
    return read.programs;
  };
}

function textOf(program: ConfiguredProgram, userHome: string): string {
  const files = program === 'curl' ? [join(userHome, '.curlrc'), join(userHome, '.config', 'curlrc')] : [...WGET_SYSTEM, join(userHome, '.wgetrc')];
  return files.map(textIn).join('\n');
}

/** A file that cannot be read, the program cannot read either. */
function textIn(file: string): string {
  // An error costs more than the question.
  if (!existsSync(file)) return '';
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
