import type { Connection } from '../ports.ts';
import type { Parts } from './parts.ts';
import type { Live } from './sessions.ts';

/** Whose process a connection comes from. */
export interface Behind {
  session: string;
  /** It comes out of the session's sandbox: what that lets out, and nothing else, may pass. */
  confined: boolean;
}

/** Finds out who is behind a connection. Its answer holds for the connection, which is looked at once. */
export interface Doorway {
  /** null: nobody of ours, or nobody who needs to be known. `shown`: it names its session itself. */
  behind(connection: Connection, shown: boolean): Promise<Behind | null>;
}

export type NeighbourOf = (remotePort: number, clients: ReadonlySet<number>) => Promise<{ client: number; relayed: boolean | null } | null>;

/** Sessions that were at work when this daemon came are known by their next event; a connection may come before. */
const RECALLED = 50;

export function createDoorway(parts: Pick<Parts, 'sessions' | 'sandboxOf' | 'roster'>, neighbourOf: NeighbourOf): Doorway {
  const known = new WeakMap<Connection, ReturnType<NeighbourOf>>();
  let recalled = false;

  function atWork(): Live[] {
    if (!recalled) for (const { id } of parts.roster.recent(RECALLED)) parts.sessions.get(id);
    recalled = true;
    return parts.sessions.all().filter(({ session }) => session.endedAt === null && session.clientPid !== null);
  }

  return {
    async behind(connection, shown) {
      const sessions = atWork();
      // Who shows a ticket is known by it; only what comes out of a sandbox is held to more than that.
      if (shown && !sessions.some((live) => parts.sandboxOf(live).exit === 'pag0')) return null;
      if (connection.remotePort === undefined) return null;
      let found = known.get(connection);
      if (found === undefined) known.set(connection, (found = neighbourOf(connection.remotePort, new Set(sessions.map(({ session }) => session.clientPid!)))));
      const neighbour = await found;
      // A client has one session at a time; the others of its process have ended.
      const live = neighbour === null ? undefined : sessions.filter(({ session }) => session.clientPid === neighbour.client).sort((a, b) => b.lastSeen - a.lastSeen)[0];
      if (live === undefined) return null;
      const { relayed } = neighbour!;
      return { session: live.session.id, confined: relayed === true || ((relayed === null || !shown) && parts.sandboxOf(live).exit === 'pag0') };
    },
  };
}
