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
  /**
   * The same for whoever asks the daemon itself, and there a client may. It connects to its MCP servers while its first hook
   * is still on the way to register it, so nobody is nobody only after `patienceMs`.
   */
  caller(connection: Connection, patienceMs: number): Promise<Behind | null>;
  /**
   * Whether it comes out of a sandbox, for whoever asks the daemon itself. Told by the relay, where the system has one; false at
   * once while no session's sandbox leads here.
   */
  confined(connection: Connection): false | Promise<boolean>;
  /** The same for what is fetched on somebody's word: also where no relay tells, and there nobody is believed who is not known. */
  mayBeConfined(connection: Connection): Promise<boolean>;
}

export type NeighbourOf = (remotePort: number, clients: ReadonlySet<number>, itself?: boolean) => Promise<{ client: number; relayed: boolean | null } | null>;

/** The relay of one of these clients, where it holds the connection. `gone`: nobody holds it any more, so nobody can tell. */
export type RelayOf = (remotePort: number, clients: ReadonlySet<number>) => Promise<number | 'gone' | null>;

/** A client that begins another session (`/clear`) has none for a moment, and what runs in its sandbox goes on. */
const LINGERS_MS = 60_000;

/** How often it is looked whether the client that connected has registered meanwhile. */
const LOOK_AGAIN_MS = 50;

/** `relayOf`: null where the sandbox has no relay. */
export function createDoorway(parts: Pick<Parts, 'sessions' | 'sandboxOf' | 'clock'>, neighbourOf: NeighbourOf, relayOf: RelayOf | null = null): Doorway {
  const known = new WeakMap<Connection, ReturnType<NeighbourOf>>();
  const callers = new WeakMap<Connection, { among: string; neighbour: Awaited<ReturnType<NeighbourOf>> }>();
  const relays = new WeakMap<Connection, ReturnType<RelayOf>>();

  function atWork(): Live[] {
    const since = parts.clock() - LINGERS_MS;
    return parts.sessions.recalled().filter(({ session }) => session.clientPid !== null && (session.endedAt === null || session.endedAt > since));
  }

  /** A client has one session at a time; the others of its process have ended. */
  function sessionOf(client: number): Live | undefined {
    const ended = ({ session }: Live): number => (session.endedAt === null ? 0 : 1);
    return atWork().filter(({ session }) => session.clientPid === client).sort((a, b) => ended(a) - ended(b) || b.lastSeen - a.lastSeen)[0];
  }

  function leadsHere(live: Live): boolean {
    return parts.sandboxOf(live).exit === 'pag0';
  }

  /** Of all clients: whether a relay holds a connection is true for good, whatever their settings say next. */
  function relayBehind(connection: Connection): ReturnType<RelayOf> {
    let found = relays.get(connection);
    if (found === undefined) {
      const pids = new Set(atWork().map(({ session }) => session.clientPid!));
      found = connection.remotePort === undefined ? Promise.resolve('gone') : relayOf!(connection.remotePort, pids).catch(() => 'gone');
      relays.set(connection, found);
    }
    return found;
  }

  function confined(connection: Connection): false | Promise<boolean> {
    if (relayOf === null || !atWork().some(leadsHere)) return false;
    return relayBehind(connection).then((relay) => relay !== null);
  }

  /** Whom the look at everybody's processes did not find: there may be more than are looked at, or it was gone in time. */
  async function unfound(connection: Connection, sandboxed: readonly Live[]): Promise<Behind | null> {
    const relay = relayOf === null || sandboxed.length === 0 ? null : await relayBehind(connection);
    const live = relay === null ? undefined : relay === 'gone' ? sandboxed[0] : sessionOf(relay);
    return live === undefined ? null : { session: live.session.id, confined: true };
  }

  async function caller(connection: Connection, patienceMs: number): Promise<Behind | null> {
    const until = Date.now() + patienceMs;
    for (;;) {
      const pids = atWork().map(({ session }) => session.clientPid!).sort();
      let found = callers.get(connection);
      // Again only when somebody has come or gone: it costs some milliseconds, and the nearest client may be one that is new.
      if (found === undefined || found.among !== pids.join()) {
        const neighbour = connection.remotePort === undefined ? null : await neighbourOf(connection.remotePort, new Set(pids), true);
        callers.set(connection, (found = { among: pids.join(), neighbour }));
      }
      const { neighbour } = found;
      const live = neighbour === null ? undefined : sessionOf(neighbour.client);
      if (live !== undefined) return { session: live.session.id, confined: neighbour!.relayed === true || (neighbour!.relayed === null && leadsHere(live)) };
      if (Date.now() >= until || connection.destroyed === true) return null;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  return {
    caller,
    confined,
    async mayBeConfined(connection) {
      if (relayOf !== null) return confined(connection);
      return atWork().some(leadsHere) && ((await caller(connection, 0))?.confined ?? true);
    },
    async behind(connection, shown) {
      const sessions = atWork();
      const sandboxed = sessions.filter(leadsHere);
      // Who shows credentials is known by them; only what comes out of a sandbox is held to more than that.
      if (shown && sandboxed.length === 0) return null;
      if (connection.remotePort === undefined) return null;
      let found = known.get(connection);
      if (found === undefined) known.set(connection, (found = neighbourOf(connection.remotePort, new Set(sessions.map(({ session }) => session.clientPid!)))));
      const neighbour = await found;
      const live = neighbour === null ? undefined : sessionOf(neighbour.client);
      if (live === undefined) return unfound(connection, sandboxed);
      const { relayed } = neighbour!;
      return { session: live.session.id, confined: relayed === true || ((relayed === null || !shown) && leadsHere(live)) };
    },
  };
}
