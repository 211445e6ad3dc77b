import { describe, expect, it } from 'vitest';
import { NO_SANDBOX, type Sandbox } from '../core/sandbox.ts';
import type { Asker, Connection, Process } from '../ports.ts';
import { createDoorway, type NeighbourOf } from './doorway.ts';
import { createGovernor, type CredentialsReader } from './governor.ts';
import { createWorld, register, startedBy, withGateway, type World } from './world.fixture.ts';

const CLIENT = 71;
const OTHER = 72;
const OURS: Sandbox = { ...NO_SANDBOX, exit: 'pag0', allowed: ['api.example.com', '*.docs.example.com'], denied: ['no.docs.example.com'] };
const SHELL = { pid: 4711 };
const credentials: CredentialsReader = { read: (shown) => (shown === 'ours' ? { session: 's1', shell: SHELL } : null) };

function stage(sandbox: Sandbox, neighbour: Awaited<ReturnType<NeighbourOf>>) {
  const world: World = createWorld({ prices: [{ endpoint: 'api.example.com', price: '$0.02' }] });
  world.parts.sandboxOf = ({ session }) => (session.clientPid === CLIENT ? sandbox : NO_SANDBOX);
  register(world.parts, 's1', { clientPid: CLIENT });
  const looked: { remotePort: number; clients: number[] }[] = [];
  const doorway = createDoorway(world.parts, async (remotePort, clients) => {
    looked.push({ remotePort, clients: [...clients] });
    return neighbour;
  });
  const governor = createGovernor(world.parts, credentials, doorway, { send: () => Promise.reject(new Error('nothing is sent here')) });
  const ask = async (shown: string | undefined, connection: Connection = { remotePort: 9 }): Promise<Asker | null> => {
    const who = await governor.whoAsks(shown, connection);
    if ('rejected' in who) throw new Error(who.rejected.sentence);
    return who.asker;
  };
  const passage = async (asker: Asker | null, host: string, port = 443) => governor.passage(asker, { host, port, secure: true });
  return { world, looked, ask, passage, governor };
}

const RELAYED = { client: CLIENT, relayed: true };

describe('who shows nothing', () => {
  it("is known by its process: the session's whose client is above it", async () => {
    const { ask } = stage(OURS, RELAYED);
    expect(await ask(undefined)).toEqual({ session: 's1', by: 'sandbox', shell: null, connection: { remotePort: 9 }, confinedTo: 's1' });
  });

  it('is nobody when no client is above it, and is not even looked for when no session is at work', async () => {
    expect(await stage(OURS, null).ask(undefined)).toBeNull();
    expect(await stage(OURS, { client: OTHER, relayed: false }).ask(undefined)).toBeNull();
    const { ask, world, passage } = stage(OURS, RELAYED);
    world.live.session.endedAt = 1;
    expect(await ask(undefined)).toBeNull();
    expect(await passage(null, 'api.example.com')).toEqual({ passage: 'tunnel' });
  });

  it('is looked for once a connection, not once a request', async () => {
    const { ask, looked } = stage(OURS, RELAYED);
    const connection = { remotePort: 4711 };
    for (let index = 0; index < 5; index += 1) await ask(undefined, connection);
    expect(looked).toEqual([{ remotePort: 4711, clients: [CLIENT] }]);
    await ask(undefined, { remotePort: 4712 });
    expect(looked).toHaveLength(2);
  });

  it('is the session that its client goes on with, when it has ended one', async () => {
    const { ask, world } = stage(OURS, RELAYED);
    world.live.session.endedAt = 1;
    register(world.parts, 's2', { clientPid: CLIENT });
    expect(await ask(undefined)).toMatchObject({ session: 's2' });
  });

  it('is looked into only where a rule names the host', async () => {
    const { ask, passage } = stage(OURS, RELAYED);
    const asker = await ask(undefined);
    expect(await passage(asker, 'api.example.com')).toEqual({ passage: 'look' });
    expect(await passage(asker, 'a.docs.example.com')).toEqual({ passage: 'tunnel' });
  });
});

describe("who shows its session's credentials", () => {
  const SHOWN: Asker = { session: 's1', by: 'environment', shell: SHELL, connection: { remotePort: 9 } };

  it('is known by them where no session has its sandbox lead here', async () => {
    for (const exit of ['open', 'other'] as const) {
      const { ask, looked } = stage({ ...NO_SANDBOX, exit }, RELAYED);
      expect(await ask('ours')).toEqual(SHOWN);
      expect(looked).toEqual([]);
    }
  });

  it('and shows others is turned away', async () => {
    await expect(stage(NO_SANDBOX, null).ask('theirs')).rejects.toThrow('PROXY_CREDENTIALS_INVALID');
  });

  it("does not get out of a sandbox by them, whoever's they are", async () => {
    const { ask, passage } = stage(OURS, RELAYED);
    const asker = await ask('ours');
    expect(asker).toEqual({ ...SHOWN, confinedTo: 's1' });
    expect(await passage(asker, 'elsewhere.example.com')).toMatchObject({ passage: 'refuse' });
  });

  it('outside of it is not held to it', async () => {
    const { ask, passage } = stage(OURS, { client: CLIENT, relayed: false });
    const asker = await ask('ours');
    expect(asker).toEqual(SHOWN);
    expect(await passage(asker, 'elsewhere.example.com')).toEqual({ passage: 'tunnel' });
  });

  it('is held to it where the system does not tell which side a process is on', async () => {
    expect(await stage(OURS, { client: CLIENT, relayed: null }).ask('ours')).toMatchObject({ confinedTo: 's1' });
    expect(await stage(NO_SANDBOX, { client: CLIENT, relayed: null }).ask(undefined)).not.toHaveProperty('confinedTo');
  });
});

describe('a host that no rule names', () => {
  const program = (name: string): Process => ({ pid: 5, parent: 4, group: 4, start: '1', startedAt: null, name });
  const outcome = async (wallet: string, name: string | null, argv: string[] = ['curl', 'https://free.example.org'], env: Record<string, string> = { CURL_CA_BUNDLE: '/home/me/.pag0/ca/bundle.pem' }) => {
    const { world, passage } = stage(NO_SANDBOX, null);
    let asked = 0;
    withGateway(world);
    world.parts.wallet = () => wallet;
    world.parts.shells!.whose = async () => ((asked += 1), { agent: 'main', call: null, among: [], program: name === null ? null : program(name) });
    world.parts.shells!.launchOf = async () => ({ argv, env });
    return [(await passage(startedBy('s1', 1), 'free.example.org')).passage, asked];
  };

  it('passes as bytes, without a look at anything', async () => {
    expect(await outcome('', 'curl')).toEqual(['tunnel', 0]);
  });

  it('is looked at for a curl that could meet a demand for payment, where a wallet could meet it', async () => {
    expect(await outcome('0xabc', 'curl')).toEqual(['look', 1]);
  });

  it('and passes as bytes for every other program, and for a curl that trusts or goes where it says itself', async () => {
    expect(await outcome('0xabc', 'git')).toEqual(['tunnel', 1]);
    expect(await outcome('0xabc', null)).toEqual(['tunnel', 1]);
    expect(await outcome('0xabc', 'curl', ['curl', '--cacert', 'x', 'https://free.example.org'])).toEqual(['tunnel', 1]);
    expect(await outcome('0xabc', 'curl', undefined, { CURL_CA_BUNDLE: '/mine.pem' })).toEqual(['tunnel', 1]);
  });
});

describe('what comes out of a sandbox', () => {
  const outcome = async (sandbox: Sandbox, host: string, mode: string | null = null) => {
    const { ask, passage, world } = stage(sandbox, RELAYED);
    world.live.permissionMode = mode;
    const found = await passage(await ask(undefined), host);
    return found.passage === 'refuse' ? `${found.refusal.code}: ${found.refusal.sentence}` : found.passage;
  };

  it('goes to the domains that the settings allow, and nowhere else', async () => {
    expect(await outcome(OURS, 'api.example.com')).toBe('look');
    expect(await outcome(OURS, 'a.docs.example.com')).toBe('tunnel');
    expect(await outcome(OURS, 'no.docs.example.com')).toContain("the sandbox's settings deny no.docs.example.com");
    expect(await outcome(OURS, 'evil.example.com', 'bypassPermissions')).toBe(
      'ENDPOINT_NOT_ALLOWED: pag0 ENDPOINT_NOT_ALLOWED: evil.example.com is not among the 2 in the sandbox\'s `allowedDomains`, so the request was not sent; go on without it, or ask the person to add it to `sandbox.network.allowedDomains`',
    );
  });

  it('goes nowhere without such a list, unless the client would ask nobody', async () => {
    expect(await outcome({ ...OURS, allowed: [] }, 'api.example.com', 'default')).toContain('ENDPOINT_NOT_ALLOWED');
    expect(await outcome({ ...OURS, allowed: [] }, 'api.example.com', 'bypassPermissions')).toBe('look');
  });
});

describe('a WebSocket', () => {
  const FREE = 'https://free.example.org/ws';
  const PAID = 'https://api.example.com/ws';
  const socket = (config: object = {}) => {
    const { world, governor } = stage(NO_SANDBOX, null);
    world.setPolicy({ prices: [{ endpoint: 'api.example.com', price: '$0.02' }], ...config });
    const admit = (url: string, asker: Asker | null = startedBy('s1', 1)) => governor.admitSocket(asker, { method: 'GET', url, fields: {}, body: null });
    const spent = async () => (await world.parts.ledger.balances(['session:s1']))[0]!;
    return { world, admit, spent };
  };

  it('costs what one request costs, once for each handshake', async () => {
    const { admit, spent, world } = socket();
    expect([await admit(PAID), await admit(PAID), await admit(FREE)]).toEqual([null, null, null]);
    expect(await spent()).toMatchObject({ posted: 40_000n, reserved: 0n });
    expect(world.parts.underway.size).toBe(0);
  });

  it('is refused where the request would be: budget, kill switch, lists, a price for which nobody was asked', async () => {
    const poor = socket({ policy: { sessionBudget: '$0.03' } });
    expect(await poor.admit(PAID)).toBeNull();
    expect(await poor.admit(PAID)).toMatchObject({ code: 'SESSION_BUDGET_EXCEEDED' });
    expect(await poor.spent()).toMatchObject({ posted: 20_000n, reserved: 0n });
    expect(await socket({ policy: { blockedEndpoints: ['api.example.com'] } }).admit(PAID)).toMatchObject({ code: 'ENDPOINT_NOT_ALLOWED' });
    expect(await socket({ policy: { approveAbove: '$0.01' } }).admit(PAID)).toMatchObject({ code: 'APPROVAL_REQUIRED' });
    const stopped = socket();
    await stopped.world.parts.directives.give({ kind: 'kill', scope: 'all', limit: null, by: 'person', at: stopped.world.now });
    expect(await stopped.admit(PAID)).toMatchObject({ code: 'KILL_SWITCH' });
    expect(await stopped.admit(FREE)).toBeNull();
    expect(await stopped.spent()).toMatchObject({ posted: 0n });
  });

  it('of nobody we know, or while the book cannot be written, is not admitted', async () => {
    const { admit, world } = socket();
    expect(await admit(PAID, null)).toMatchObject({ code: 'SESSION_UNKNOWN' });
    world.parts.ledger.reserve = () => Promise.reject(new Error('disk full'));
    expect(await admit(PAID)).toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    expect(world.parts.underway.size).toBe(0);
  });
});

describe('a command that was charged at the hook', () => {
  const run = (world: World, command: string, more: object = {}) => world.send({ hook_event_name: 'PreToolUse', tool_name: 'Bash', tool_use_id: 't1', tool_input: { command }, ...more });
  const end = (world: World, command: string, more: object = {}) => world.send({ hook_event_name: 'PostToolUse', tool_name: 'Bash', tool_use_id: 't1', tool_input: { command }, tool_response: { stdout: '' }, ...more });
  const OWN_CA = 'curl --cacert ca.pem https://api.example.com/x';
  /** Connection 1 is the call's own, 2 is another call's, 3 nobody's that is known. */
  const street = async (command: string, input: object = {}, config?: object) => {
    const one = stage(NO_SANDBOX, null);
    withGateway(one.world, { 1: 't1', 2: 't2' });
    if (config !== undefined) one.world.setPolicy(config);
    await run(one.world, 'sleep 9', { tool_use_id: 't2' });
    await run(one.world, command, { tool_input: { command, ...input } });
    const passed = async (port: number) => (await one.passage(startedBy('s1', port), 'api.example.com')).passage;
    return { ...one, passed };
  };

  it('lets as many connections of it pass as requests were charged, and the rest is looked at', async () => {
    const { passed } = await street(`${OWN_CA}; ${OWN_CA}; for i in $(seq 1000); do python spend.py; done`);
    expect([await passed(2), await passed(1), await passed(1), await passed(1)]).toEqual(['look', 'tunnel', 'tunnel', 'look']);
  });

  it('lets those pass as well of which nobody knows that they are not its own', async () => {
    const { passed } = await street(OWN_CA);
    expect([await passed(3), await passed(3)]).toEqual(['tunnel', 'look']);
  });

  it('opens nothing for what was free', async () => {
    const { passed } = await street('curl --cacert x https://api.example.com/paid; curl --cacert x https://api.example.com/free', {}, { prices: [{ endpoint: 'api.example.com/paid', price: '$0.02' }] });
    expect([await passed(1), await passed(1)]).toEqual(['tunnel', 'look']);
  });

  it('goes on to do so in the background, of whose end the client tells at once', async () => {
    const { passed, world } = await street(OWN_CA, { run_in_background: true });
    world.parts.shells!.whose = async (live) => ({ agent: 'main', call: live.background.get('t1') ?? null, among: [], program: null });
    await end(world, OWN_CA);
    expect([await passed(1), await passed(1)]).toEqual(['tunnel', 'look']);
  });

  it('opens nothing any more once its agent rests, although nobody told that a person turned it down', async () => {
    const child = { agent_id: 'a1', agent_type: 'researcher' };
    for (const [who, rests] of [[{}, 'Stop'], [child, 'SubagentStop']] as const) {
      const { passage, world } = stage(NO_SANDBOX, null);
      withGateway(world);
      await run(world, OWN_CA, who);
      await run(world, 'sleep 9', { agent_id: 'a2', agent_type: 'other', tool_use_id: 't2' });
      await world.send({ hook_event_name: rests, ...who });
      expect(await passage(startedBy('s1', 1), 'api.example.com')).toEqual({ passage: 'look' });
      expect([...world.live.running.keys()]).toEqual(['t2']);
    }
  });
});
