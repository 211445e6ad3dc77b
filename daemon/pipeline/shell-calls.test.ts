import { describe, expect, it } from 'vitest';
import { printOf } from '../core/command-print.ts';
import type { Asker, Process, ProcessSystem } from '../ports.ts';
import { bashCall, type Running } from './sessions.ts';
import { createShellCalls } from './shell-calls.ts';
import { createWorld, register, startedBy } from './world.fixture.ts';

const CLIENT = 100;
const CLIENT_PROCESS: Process = { pid: CLIENT, parent: 1, group: 1, start: 'c', startedAt: null, name: 'claude' };

/** A machine with a client on it and a clock that every wait moves on. Two agents hang below the lead, and a third beside it. */
function machine() {
  const world = createWorld();
  const live = register(world.parts, 's1', { clientPid: CLIENT });
  for (const [id, parent] of [['lead', 'main'], ['a', 'lead'], ['b', 'lead'], ['c', 'main']] as const) {
    live.session.agents.set(id, { id, name: id, type: id, kind: 'subagent', parent, startedAt: 0, endedAt: null, stopped: null, iterations: 0 });
  }
  const processes = new Map<number, Process>([[CLIENT, CLIENT_PROCESS]]);
  const lines = new Map<number, string>();
  const files = new Map<number, string[]>();
  const holders = new Map<number, number>();
  const asked: number[] = [];
  let onWait: () => void = () => {};
  const lineOf = (pid: number): Process[] => {
    const process = processes.get(pid);
    return process === undefined ? [] : [process, ...lineOf(process.parent)];
  };
  const system: ProcessSystem = {
    isCheap: true,
    behind: async (port) => (asked.push(port), holders.has(port) ? lineOf(holders.get(port)!) : null),
    process: async (pid) => processes.get(pid) ?? null,
    children: async (pid) => [...processes.values()].filter(({ parent }) => parent === pid),
    commandLine: async (pid) => lines.get(pid) ?? '',
    openFiles: async (pid) => files.get(pid) ?? [],
    launch: async () => null,
  };
  const shells = createShellCalls({
    system,
    clock: () => world.now,
    wait: async (ms) => {
      world.now += ms;
      onWait();
      await new Promise((resolve) => setImmediate(resolve));
    },
  });
  let calls = 0;
  const call = (agent: string, command: string, more: Partial<Running> = {}): Running => {
    const one = bashCall({ id: `t${(calls += 1)}`, agent, command, ...more });
    live.running.set(one.id, one);
    live.shellUsers.add(agent);
    return one;
  };
  const begin = async (agent: string, command: string, more: Partial<Running> = {}): Promise<Running> => {
    const one = call(agent, command, more);
    await shells.begin(live, one);
    return one;
  };
  /** The client starts a shell for a text. */
  const shell = (pid: number, command: string, start = `s${pid}`): void => {
    processes.set(pid, { pid, parent: CLIENT, group: pid, start, startedAt: world.now, name: 'bash' });
    lines.set(pid, `/bin/bash -c source x && eval '${command.replaceAll("'", `'"'"'`)}' && pwd -P >| /tmp/y`);
  };
  const fork = (pid: number, parent: number, group = processes.get(parent)!.group): void => {
    processes.set(pid, { pid, parent, group, start: `s${pid}`, startedAt: world.now, name: 'curl' });
  };
  /** Its children belong to init from now on. */
  const exit = (pid: number): void => {
    processes.delete(pid);
    for (const [child, facts] of processes) if (facts.parent === pid) processes.set(child, { ...facts, parent: 1 });
  };
  const end = (one: Running): void => {
    one.endedAt = world.now;
    live.running.delete(one.id);
    if (one.outlives) live.background.set(one.id, one);
  };
  const whose = async (pid: number | null, more: Partial<Asker> = {}) => {
    const port = 1_000 + holders.size;
    holders.set(port, pid ?? -1);
    const { agent, call: known } = await shells.whose(live, startedBy('s1', port, more));
    return [agent, known?.id ?? null];
  };
  const passes = async (times = 20): Promise<void> => {
    for (let index = 0; index < times; index += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return { world, files, live, shells, processes, asked, holders, call, begin, shell, fork, exit, end, whose, passes, onWaiting: (act: () => void) => (onWait = act) };
}

describe('a request is of the Bash call', () => {
  it('whose shell is above the process that asks, however far', async () => {
    const m = machine();
    await m.begin('a', 'curl x');
    await m.begin('b', `sh -c 'curl y'`);
    m.shell(200, 'curl x');
    m.shell(201, `sh -c 'curl y'`);
    m.fork(300, 200);
    m.fork(301, 201);
    m.fork(302, 301);
    expect([await m.whose(300), await m.whose(302), await m.whose(200)]).toEqual([['a', 't1'], ['b', 't2'], ['a', 't1']]);
  });

  it('also in the background, after the client has told of its end', async () => {
    const m = machine();
    const one = await m.begin('a', 'curl x', { outlives: true });
    await m.begin('b', 'sleep 9');
    m.shell(200, 'curl x');
    m.end(one);
    m.fork(300, 200);
    expect(await m.whose(300)).toEqual(['a', 't1']);
  });

  it('also when its shell has ended and left it alone, as nohup and & do', async () => {
    const m = machine();
    const one = await m.begin('a', 'nohup curl x &', { outlives: true });
    await m.begin('b', 'sleep 9');
    m.shell(200, 'nohup curl x &');
    m.fork(300, 200);
    await m.passes();
    m.exit(200);
    m.end(one);
    expect(await m.whose(300)).toEqual(['a', 't1']);
    m.fork(301, 300);
    m.exit(300);
    expect(await m.whose(301)).toEqual(['a', 't1']);
  });

  it('also when it made a session of its own before, as setsid does', async () => {
    const m = machine();
    const one = await m.begin('a', 'setsid curl x &', { outlives: true });
    await m.begin('b', 'sleep 9');
    m.shell(200, 'setsid curl x &');
    m.fork(300, 200, 300);
    await m.passes();
    m.exit(200);
    m.end(one);
    expect(await m.whose(300)).toEqual(['a', 't1']);
    m.fork(301, 300);
    m.exit(300);
    expect(await m.whose(301)).toEqual(['a', 't1']);
  });

  it('that has a shell below a shell of another client: only the own client’s child counts', async () => {
    const m = machine();
    await m.begin('a', 'claude -p x');
    m.shell(200, 'claude -p x');
    m.fork(300, 200);
    m.processes.set(400, { pid: 400, parent: 300, group: 400, start: 's', startedAt: null, name: 'bash' });
    m.fork(500, 400);
    expect(await m.whose(500)).toEqual(['a', 't1']);
  });

  it('is looked up once a connection', async () => {
    const m = machine();
    await m.begin('a', 'curl x');
    m.shell(200, 'curl x');
    m.holders.set(7, 200);
    const asker = startedBy('s1', 7);
    for (let index = 0; index < 5; index += 1) expect(await m.shells.whose(m.live, asker)).toMatchObject({ agent: 'a' });
    expect(m.asked).toEqual([7]);
  });
});

describe('equal commands of two agents', () => {
  it('are told apart when one has its shell before the other begins', async () => {
    const m = machine();
    await m.begin('a', 'curl x');
    m.onWaiting(() => m.processes.has(200) || m.shell(200, 'curl x'));
    await m.begin('b', 'curl x');
    m.shell(201, 'curl x');
    expect([await m.whose(200), await m.whose(201)]).toEqual([['a', 't1'], ['b', 't2']]);
  });

  it('and so are three', async () => {
    const m = machine();
    const started = ['a', 'b', 'c'].map((agent) => m.begin(agent, 'curl x'));
    let next = 200;
    m.onWaiting(() => m.shell(next++, 'curl x'));
    await Promise.all(started);
    m.onWaiting(() => {});
    m.shell(next, 'curl x');
    expect([await m.whose(200), await m.whose(201)]).toEqual([['a', 't1'], ['b', 't2']]);
  });

  it('are charged to whoever is above both, when nothing tells them apart, and to none of them', async () => {
    const m = machine();
    await m.begin('a', 'curl x');
    await m.begin('b', 'curl x');
    expect(m.world.now - Date.UTC(2026, 10, 21, 12)).toBeLessThanOrEqual(260);
    m.shell(200, 'curl x');
    m.shell(201, 'curl x');
    expect([await m.whose(200), await m.whose(201)]).toEqual([['lead', null], ['lead', null]]);
    const c = machine();
    await c.begin('a', 'curl x');
    await c.begin('c', 'curl x');
    c.shell(200, 'curl x');
    expect(await c.whose(200)).toEqual(['main', null]);
  });

  it('are told apart in the background by the file that the client has opened for each', async () => {
    const m = machine();
    const one = await m.begin('a', 'curl x', { outlives: true, inBackground: true });
    const other = await m.begin('b', 'curl x', { outlives: true, inBackground: true });
    m.shell(200, 'curl x');
    m.shell(201, 'curl x');
    m.files.set(200, ['/dev/null', '/tmp/claude-0/tasks/b222.output']);
    m.files.set(201, ['/tmp/claude-0/tasks/b111.output']);
    // It names them while a request waits.
    m.onWaiting(() => {
      Object.assign(one, { task: 'b111' });
      Object.assign(other, { task: 'b222' });
    });
    expect([await m.whose(200), await m.whose(201)]).toEqual([['b', 't2'], ['a', 't1']]);
  });

  it('are one account where they are of one agent', async () => {
    const m = machine();
    await m.begin('a', 'curl x');
    await m.begin('a', 'curl x');
    m.shell(200, 'curl x');
    expect(await m.whose(200)).toEqual(['a', null]);
  });

  it('are told apart once one has ended, and by when their shells were made', async () => {
    const m = machine();
    const one = await m.begin('a', 'nohup x', { outlives: true });
    m.end(one);
    m.world.now += 10_000;
    await m.begin('b', 'nohup x');
    m.shell(201, 'nohup x');
    expect(await m.whose(201)).toEqual(['b', 't2']);
  });
});

describe('what cannot be told', () => {
  it('is charged to whoever is above all that have run a command', async () => {
    const m = machine();
    await m.begin('a', 'curl x');
    await m.begin('b', 'curl y');
    m.processes.set(300, { pid: 300, parent: 1, group: 300, start: 's', startedAt: null, name: 'curl' });
    expect([await m.whose(300), await m.whose(null)]).toEqual([['lead', null], ['lead', null]]);
    m.live.running.clear();
    expect(await m.whose(300)).toEqual(['lead', null]);
    await m.begin('c', 'curl z');
    expect(await m.whose(300)).toEqual(['main', null]);
    expect(await machine().whose(null)).toEqual(['main', null]);
  });

  it('is not told by the pid that it names: that is a hint where to look', async () => {
    const m = machine();
    await m.begin('a', 'curl x');
    await m.begin('b', 'curl y');
    m.shell(200, 'curl x');
    m.shell(201, 'curl y');
    m.fork(300, 200);
    expect(await m.whose(300, { shell: { pid: 201 } })).toEqual(['a', 't1']);
    m.processes.set(301, { pid: 301, parent: 1, group: 301, start: 's', startedAt: null, name: 'curl' });
    expect(await m.whose(301, { shell: { pid: 201 } })).toEqual(['lead', null]);
  });

  it('is not the shell’s that had its number before', async () => {
    const m = machine();
    await m.begin('a', 'curl x');
    m.shell(200, 'curl x');
    expect(await m.whose(200)).toEqual(['a', 't1']);
    m.exit(200);
    await m.begin('b', 'curl y');
    m.shell(200, 'curl y', 'another life');
    expect(await m.whose(200)).toEqual(['b', 't2']);
  });

  it('is of the calls that have no shell yet, when another plugin has written the command anew, and proves nothing', async () => {
    const m = machine();
    await m.begin('a', 'curl x');
    m.shell(200, 'rtk curl x');
    expect(await m.whose(200)).toEqual(['a', null]);
  });

  it('is not a call that its person has not let run', async () => {
    const m = machine();
    m.call('a', 'curl x');
    m.shell(200, 'curl x');
    expect(await m.whose(200)).toEqual(['a', null]);
  });
});

describe('in a sandbox, whose process table is its own', () => {
  const printed = (command: string): Partial<Asker> => ({ by: 'environment', confinedTo: 's1', shell: { print: printOf(command)[0] } });

  it('a request is of the one call that is at work there', async () => {
    const m = machine();
    await m.begin('a', 'curl x', { sandboxed: true });
    await m.begin('b', 'sleep 9');
    expect(await m.whose(null, printed('whatever'))).toEqual(['a', 't1']);
  });

  it('or is charged to the one that its command names, which proves nothing; or to whoever is above them', async () => {
    const m = machine();
    await m.begin('a', 'curl x', { sandboxed: true });
    await m.begin('b', 'curl -s y', { sandboxed: true });
    expect(await m.whose(null, printed('curl -s y'))).toEqual(['b', null]);
    expect(await m.whose(null, printed('something else'))).toEqual(['lead', null]);
    expect(await m.whose(null, { by: 'sandbox', confinedTo: 's1' })).toEqual(['lead', null]);
  });
});
