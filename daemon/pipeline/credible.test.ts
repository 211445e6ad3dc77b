import { spawn, type ChildProcess } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { registerSession } from './register.ts';
import { createWorld, register } from './world.fixture.ts';

/** The test is a client here; what it starts is another, or an agent's script. */
const SELF = process.pid;
const BOUGHT = { sessionBudget: '$1000' };
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

async function running(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  started.push(child);
  return child.pid!;
}

async function gone(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
  return child.pid!;
}

/** `below`: the processes that it is true of that they hold the connection, or are above who does. */
function stage(below: readonly number[]) {
  const { parts } = createWorld();
  const looked: number[] = [];
  const tell = async (more: object) => {
    const told = { event: 'ensure' as const, session_id: 's9', transcript_path: null, cwd: '/work', source: null, prompt_id: null, author: 'report' as const, attended: true, options: {}, clientPid: null, parent: { session: null }, ancestors: [], project: '/work', ownProxy: false, run: null };
    await registerSession(parts, { ...told, ...more }, async (pid) => (looked.push(pid), below.includes(pid)));
    const { attended, clientPid, options, parent } = parts.sessions.get('s9')!.session;
    return { attended, clientPid, options, parent };
  };
  return { parts, looked, tell };
}

describe('a session that is known', () => {
  it('has the client it had while that works, whoever says to be it', async () => {
    const [client, script] = [await running(), await running()];
    const { parts, tell } = stage([script, client]);
    register(parts, 's9', { attended: false, clientPid: client });
    const kept = { attended: false, clientPid: client, options: {} };
    expect(await tell({ clientPid: script, options: BOUGHT })).toMatchObject(kept);
    // Nor does it become attended in the client's own name.
    expect(await tell({ clientPid: client })).toMatchObject(kept);
    expect(await tell({ clientPid: client, options: BOUGHT })).toMatchObject({ ...kept, options: BOUGHT });
  });

  it('takes its options from its client or what is below it, and from nobody else', async () => {
    const client = await running();
    const { parts, tell } = stage([]);
    register(parts, 's9', { clientPid: client, options: { sessionBudget: '$5' } });
    expect(await tell({ clientPid: client, options: BOUGHT, transcript_path: '/tmp/mine' })).toMatchObject({ attended: true, clientPid: client, options: { sessionBudget: '$5' } });
    expect(await tell({ clientPid: null, options: BOUGHT })).toMatchObject({ options: { sessionBudget: '$5' } });
  });

  it('goes over to the client that resumes it, though another process has the number of the old one by now', async () => {
    const client = await running();
    const { parts, tell } = stage([SELF]);
    register(parts, 's9', { clientPid: client, clientLife: 'another boot 17' });
    expect(await tell({ clientPid: SELF })).toMatchObject({ clientPid: SELF });
  });

  it('goes over to the client that resumes it, once its own has gone', async () => {
    const old = await gone();
    const { parts, tell } = stage([SELF]);
    register(parts, 's9', { attended: false, clientPid: old });
    expect(await tell({ clientPid: SELF, options: BOUGHT })).toMatchObject({ attended: true, clientPid: SELF, options: BOUGHT });
  });

  it('goes over to nobody who is not there', async () => {
    const old = await gone();
    const { parts, tell } = stage([]);
    register(parts, 's9', { clientPid: old });
    expect(await tell({ clientPid: SELF })).toMatchObject({ clientPid: old });
  });

  it('goes over once its client works at another one, but not to a script of that client, which can say so itself', async () => {
    const [old, next] = [await running(), await running()];
    const { parts, tell } = stage([next]);
    register(parts, 's9', { clientPid: old }).session.endedAt = 1;
    expect(await tell({ clientPid: next })).toMatchObject({ attended: true, clientPid: next });
    parts.sessions.get('s9')!.session.endedAt = 1;
    register(parts, 's1', { clientPid: SELF });
    const below = stage([old]);
    register(below.parts, 's9', { clientPid: SELF }).session.endedAt = 1;
    expect(await below.tell({ clientPid: old, options: BOUGHT })).toMatchObject({ clientPid: SELF, options: {} });
  });

  it('is not attended by who resumes it below another client', async () => {
    const [old, script] = [await gone(), await running()];
    const { parts, tell } = stage([script]);
    register(parts, 's9', { clientPid: old });
    register(parts, 's2', { clientPid: SELF }).session.endedAt = 1;
    expect(await tell({ clientPid: script })).toMatchObject({ attended: false, clientPid: script });
  });

  it('costs no look where nothing new is told of it', async () => {
    const { parts, tell, looked } = stage([SELF]);
    register(parts, 's9', { clientPid: SELF, options: BOUGHT });
    await tell({ clientPid: SELF, options: BOUGHT });
    expect(looked).toEqual([]);
  });
});

describe('a session that is new', () => {
  it('has a client that the system shows, or none', async () => {
    expect(await stage([SELF]).tell({ clientPid: SELF })).toMatchObject({ attended: true, clientPid: SELF, parent: null });
    expect(await stage([]).tell({ clientPid: SELF })).toMatchObject({ clientPid: null });
  });

  it('hangs below the client that it runs below, whatever it leaves out, and nobody sits at it', async () => {
    const script = await running();
    const { parts, tell } = stage([script]);
    register(parts, 's1', { clientPid: SELF });
    expect(await tell({ clientPid: script })).toMatchObject({ attended: false, parent: { session: 's1', agent: 'main' } });
  });

  it('is attended by nobody also when the one above it is said to have ended', async () => {
    const script = await running();
    const { parts, tell } = stage([script]);
    register(parts, 's1', { clientPid: SELF }).session.endedAt = 1;
    expect(await tell({ clientPid: script })).toMatchObject({ attended: false });
  });
});
