import type { Terminal } from './terminal.ts';

/** `--session`, else the session this command runs in, else the daemon's choice for this folder. */
export function sessionQuery(terminal: Terminal, named: string | undefined): Record<string, string> {
  const session = named ?? terminal.env['CLAUDE_CODE_SESSION_ID'];
  return session === undefined || session === '' ? { cwd: terminal.cwd } : { session };
}
