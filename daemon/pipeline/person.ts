import { connectionBelongsTo, processesAbove, terminalOf } from '../lifecycle/peer.ts';
import type { Parts } from './parts.ts';

/**
 * Who may raise a limit: a person. The model sits in the same client and under the same user, so its word is never taken
 * for it: a slash command counts when it comes from the very process of an attended, top-level session, and a terminal
 * when no agent's client is above it. An agent that breaks out of its client's process tree with the user's own rights is
 * beyond what a program of that user can see; SECURITY.md says so.
 */
export interface Persons {
  /** A slash command in a session. */
  typedIn(sessionId: string, remotePort: number): Promise<boolean>;
  /** A command in a terminal. */
  atTerminal(pid: number, remotePort: number): Promise<boolean>;
}

export function createPersons(parts: Pick<Parts, 'sessions'>, localPort: number): Persons {
  return {
    async typedIn(sessionId, remotePort) {
      const session = parts.sessions.get(sessionId)?.session;
      if (session === undefined || !session.attended || session.parent !== null || session.clientPid === null) return false;
      return connectionBelongsTo(session.clientPid, remotePort, localPort);
    },
    async atTerminal(pid, remotePort) {
      if (!(await connectionBelongsTo(pid, remotePort, localPort))) return false;
      if ((await terminalOf(pid)) === null) return false;
      const above = await processesAbove(pid);
      if (above === null) return false;
      const clients = new Set(parts.sessions.all().map((live) => live.session.clientPid));
      return above.every((one) => !one.startedByAgent && !clients.has(one.pid));
    },
  };
}
