import { letsOut } from '../core/sandbox.ts';
import { connectionBelongsTo, processesAbove, terminalOf } from '../lifecycle/peer.ts';
import { clientsAmong } from './client-process.ts';
import type { Parts } from './parts.ts';
import type { Live } from './sessions.ts';

/**
 * Who may raise a limit: a person. The model sits in the same client and under the same user, so its word is never taken
 * for it: a slash command counts when it comes from the very process of an attended, top-level session, and a terminal
 * when no agent's client is above it. An agent that breaks out of its client's process tree with the user's own rights is
 * beyond what a program of that user can see; SECURITY.md says so.
 */
export interface Persons {
  /** A hook's event that the client of the session has sent itself, and no other program in its name. */
  sentByClient(sessionId: string, remotePort: number): Promise<boolean>;
  /** A slash command in a session. */
  typedIn(sessionId: string, remotePort: number): Promise<boolean>;
  /** A command in a terminal. */
  atTerminal(pid: number, remotePort: number): Promise<boolean>;
}

export function createPersons(parts: Pick<Parts, 'sessions' | 'sandboxOf'>, localPort: number): Persons {
  async function sentByClient(sessionId: string, remotePort: number): Promise<boolean> {
    const live = parts.sessions.get(sessionId);
    const pid = live?.session.clientPid ?? null;
    return live !== undefined && pid !== null && !speaksForOthers(live) && connectionBelongsTo(pid, remotePort, localPort);
  }

  /** The client's own proxies (SOCKS is always its own) connect from its process: where they let its sandbox out to us, nothing tells the two apart. */
  function speaksForOthers(live: Live): boolean {
    const sandbox = parts.sandboxOf(live);
    return sandbox.exit !== 'open' && ['127.0.0.1', 'localhost'].some((host) => letsOut(sandbox, { host, port: localPort }, live.permissionMode) === 'yes');
  }

  return {
    sentByClient,
    async typedIn(sessionId, remotePort) {
      const session = parts.sessions.get(sessionId)?.session;
      return session !== undefined && session.attended && session.parent === null && sentByClient(sessionId, remotePort);
    },
    async atTerminal(pid, remotePort) {
      if (!(await connectionBelongsTo(pid, remotePort, localPort))) return false;
      if ((await terminalOf(pid)) === null) return false;
      const above = await processesAbove(pid);
      if (above === null) return false;
      if (above.some((one) => one.startedByAgent)) return false;
      return (await clientsAmong(above.map((one) => one.pid), parts.sessions.recalled().map((live) => live.session))).length === 0;
    },
  };
}
