import type { ShellReading } from '../core/invocation.ts';
import type { Reader } from './place.ts';
import { freshScope } from './scope.ts';
import { runText } from './script.ts';
import { runNode } from './statements.ts';

/** More than any command that a person means; what costs more is unreadable. */
const FUEL = 100_000;

/**
 * The commands that a Bash command line would run, in order, with what can be known of their words. The text is
 * followed as the shell would: `for u in a b; do curl $u; done` gives two. Never throws, never runs away.
 */
export function readShell(command: string): ShellReading {
  const reader: Reader = { found: [], unreadable: false, fuel: FUEL, run: runNode };
  try {
    runText({ reader, scope: freshScope(), times: 1, timesKnown: true, background: false, depth: 0, located: true }, command);
  } catch {
    // The text is anyone's and the parser is someone else's: an answer is due all the same, and it is "cannot read it".
    reader.unreadable = true;
  }
  return { invocations: reader.found, unreadable: reader.unreadable };
}
