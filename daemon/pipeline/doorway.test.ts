import { describe, expect, it } from 'vitest';
import { NO_SANDBOX } from '../core/sandbox.ts';
import { createDoorway, type NeighbourOf, type RelayOf } from './doorway.ts';
import { createWorld, register } from './world.fixture.ts';

const CLIENT = 71;

function stage(found: (clients: ReadonlySet<number>) => Awaited<ReturnType<NeighbourOf>>) {
  const { parts } = createWorld();
  const looked: number[][] = [];
  const doorway = createDoorway(parts, async (_, clients, itself) => {
    expect(itself).toBe(true);
    looked.push([...clients]);
    return found(clients);
  });
  return { parts, doorway, looked };
}

const among = (clients: ReadonlySet<number>) => (clients.has(CLIENT) ? { client: CLIENT, relayed: false } : null);

describe('who asks the daemon itself', () => {
  it('is the session of the client that connected, looked for once a connection', async () => {
    const { parts, doorway, looked } = stage(among);
    register(parts, 's2', { clientPid: CLIENT });
    const connection = { remotePort: 9 };
    for (let index = 0; index < 3; index += 1) expect(await doorway.caller(connection, 0)).toEqual({ session: 's2', confined: false });
    expect(looked).toEqual([[CLIENT]]);
  });

  it('is waited for while its first hook is on the way', async () => {
    const { parts, doorway } = stage(among);
    setTimeout(() => register(parts, 's2', { clientPid: CLIENT }), 80);
    expect(await doorway.caller({ remotePort: 9 }, 5_000)).toMatchObject({ session: 's2' });
  });

  it('is nobody after that, or when the connection has gone', async () => {
    const { doorway } = stage(() => null);
    expect(await doorway.caller({ remotePort: 9 }, 60)).toBeNull();
    expect(await doorway.caller({ remotePort: 9, destroyed: true }, 60_000)).toBeNull();
    expect(await doorway.caller({}, 0)).toBeNull();
  });

  it('is looked for anew when somebody has come: a client within another registers later', async () => {
    const { parts, doorway, looked } = stage((clients) => ({ client: clients.has(72) ? 72 : CLIENT, relayed: false }));
    register(parts, 's2', { clientPid: CLIENT });
    const connection = { remotePort: 9 };
    expect(await doorway.caller(connection, 0)).toMatchObject({ session: 's2' });
    register(parts, 's3', { clientPid: 72 });
    expect(await doorway.caller(connection, 0)).toMatchObject({ session: 's3' });
    expect(looked).toHaveLength(2);
  });

  it('is confined when it comes out of the sandbox, or may', async () => {
    for (const [relayed, exit, confined] of [[true, 'none', true], [null, 'pag0', true], [null, 'none', false], [false, 'pag0', false]] as const) {
      const { parts, doorway } = stage(() => ({ client: CLIENT, relayed }));
      parts.sandboxOf = () => ({ ...NO_SANDBOX, exit: exit === 'none' ? NO_SANDBOX.exit : exit });
      register(parts, 's2', { clientPid: CLIENT });
      expect(await doorway.caller({ remotePort: 9 }, 0)).toEqual({ session: 's2', confined });
    }
  });
});

describe('what comes out of a sandbox', () => {
  const sandboxed = (relay: Awaited<ReturnType<RelayOf>>, more: { exit?: 'open' | 'pag0'; hasRelay?: boolean } = {}) => {
    const { parts } = createWorld();
    const looked: number[][] = [];
    let exit = more.exit ?? 'pag0';
    parts.sandboxOf = () => ({ ...NO_SANDBOX, exit });
    const relayOf: RelayOf = async (_, clients) => (looked.push([...clients]), relay);
    const doorway = createDoorway(parts, async () => null, more.hasRelay === false ? null : relayOf);
    register(parts, 's2', { clientPid: CLIENT });
    return { parts, doorway, looked, enable: () => void (exit = 'pag0') };
  };

  it('is told by the relay, looked for once a connection; and what nobody holds any more may have been that', async () => {
    for (const [relay, confined] of [[CLIENT, true], ['gone', true], [null, false]] as const) {
      const { doorway, looked } = sandboxed(relay);
      const connection = { remotePort: 9 };
      for (let index = 0; index < 3; index += 1) expect(await doorway.confined(connection)).toBe(confined);
      expect(await doorway.mayBeConfined(connection)).toBe(confined);
      expect(looked).toEqual([[CLIENT]]);
    }
    expect(await sandboxed(null).doorway.confined({})).toBe(true);
  });

  it('is not looked for while no sandbox leads here, and is as soon as one does', async () => {
    const { doorway, looked, enable } = sandboxed(CLIENT, { exit: 'open' });
    const connection = { remotePort: 9 };
    expect(doorway.confined(connection)).toBe(false);
    expect(looked).toEqual([]);
    enable();
    expect(await doorway.confined(connection)).toBe(true);
  });

  it('is still known while its client has ended one session and not begun the next', async () => {
    const { parts, doorway } = sandboxed(CLIENT);
    parts.sessions.get('s2')!.session.endedAt = parts.clock() - 1_000;
    expect(await doorway.confined({ remotePort: 9 })).toBe(true);
    expect(await doorway.behind({ remotePort: 10 }, false)).toEqual({ session: 's2', confined: true });
  });

  it('is held to its domains also where the look at everybody’s processes did not find it, or came too late', async () => {
    for (const relay of [CLIENT, 'gone'] as const) {
      const { doorway } = sandboxed(relay);
      for (const shown of [true, false]) expect(await doorway.behind({ remotePort: 9 }, shown)).toEqual({ session: 's2', confined: true });
    }
    expect(await sandboxed(null).doorway.behind({ remotePort: 9 }, false)).toBeNull();
  });

  it('may be anybody who is not known, where no relay tells', async () => {
    const { doorway } = sandboxed(null, { hasRelay: false });
    expect(doorway.confined({ remotePort: 9 })).toBe(false);
    expect(await doorway.mayBeConfined({ remotePort: 9 })).toBe(true);
    expect(await sandboxed(null, { hasRelay: false, exit: 'open' }).doorway.mayBeConfined({ remotePort: 9 })).toBe(false);
  });
});
