/** What the command line of a teammate in a terminal pane of its own says that it is. */
export interface Teammate {
  session: string;
  id: string;
  name: string;
  type: string;
}

/**
 * A teammate in a pane is started by a terminal multiplexer, so it is below nobody's client and has a session of its own.
 * The client names the session that leads it, and the agent it is, on its command line. Anybody may write such a line: it
 * is asked only where nothing else tells whose a session is, and all that it can do is to charge a second account.
 */
export function teammateIn(ancestors: readonly { command: string }[]): Teammate | null {
  for (const { command } of ancestors) {
    const session = option(command, 'parent-session-id');
    if (session === '') continue;
    const id = option(command, 'agent-id');
    const name = option(command, 'agent-name') || id.slice(0, id.includes('@') ? id.indexOf('@') : undefined);
    if (name === '') continue;
    return { session, id: id || `${name}@${session}`, name, type: option(command, 'agent-type') };
  }
  return null;
}

function option(command: string, name: string): string {
  return new RegExp(`(?:^|\\s)--${name}[= ]([^\\s'"]{1,256})`).exec(command)?.[1] ?? '';
}
