import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { daemonStatus, lastLogLines, stopDaemon } from '../contract/control.ts';
import { readDaemonRecord } from '../contract/home.ts';
import { ROUTES } from '../contract/routes.ts';
import { isAlive } from '../contract/start-lock.ts';
import { createPlayground, exitOf, until, type Playground } from './playground.fixture.ts';

const RELEASE = (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
const opened: Playground[] = [];
const playground = async (options?: Parameters<typeof createPlayground>[0]): Promise<Playground> => {
  const made = await createPlayground(options);
  opened.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.dispose()));
});

const calls = (p: Playground): string[] => (existsSync(join(p.home.dir, 'calls.txt')) ? readFileSync(join(p.home.dir, 'calls.txt'), 'utf8').trim().split('\n') : []);
const version = (text: string) => (files: Map<string, string>) => {
  for (const [name, source] of files) files.set(name, source.replaceAll(JSON.stringify(RELEASE), JSON.stringify(text)));
};

describe('one daemon per user', () => {
  it('is started once by twenty sessions that start at once, and each of them is registered with it', async () => {
    const p = await playground();
    const runs = await Promise.all(Array.from({ length: 20 }, (_, index) => p.hook('session-start', { session_id: `s${index}`, cwd: p.home.dir })));
    expect(runs.map(({ code, output }) => ({ code, output }))).toEqual(runs.map(() => ({ code: 0, output: {} })));
    expect(p.starts()).toBe(1);
    const registered = readFileSync(join(p.home.dir, 'sessions.jsonl'), 'utf8').trim().split('\n');
    expect(new Set(registered.map((line) => (JSON.parse(line) as { session_id: string }).session_id)).size).toBe(20);
    expect(existsSync(p.home.startLock)).toBe(false);
  });

  it('yields the port to one of ours and says nothing', async () => {
    const p = await playground();
    await p.hook('session-start');
    expect(await exitOf(p.daemon())).toEqual({ code: 0, stderr: '' });
    expect(p.starts()).toBe(1);
  });

  it('outlives the whole process group of the session that started it', async () => {
    const p = await playground();
    const session = spawn('sh', ['-c', `echo '{"session_id":"s","cwd":"/"}' | "${process.execPath}" "${p.plugin}/dist/hook.mjs" session-start; echo done; sleep 60`], {
      env: p.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => session.stdout.once('data', resolve));
    process.kill(-session.pid!, 'SIGKILL');
    await exitOf(session);
    const hello = await p.hello();
    expect(hello?.state).toBe('ready');
    expect(readDaemonRecord(p.home)).toMatchObject({ pid: hello!.pid, port: p.port, version: RELEASE });
  });

  it('leaves nothing in its home that others could read', async () => {
    const p = await playground();
    await p.hook('session-start');
    expect(statSync(p.home.dir).mode & 0o777).toBe(0o700);
    for (const file of [p.home.tokenFile, p.home.daemonFile, p.home.logFile, p.home.ledgerFile]) expect([file, statSync(file).mode & 0o777]).toEqual([file, 0o600]);
  });

  it('inherits neither keys nor the marks of the session that started it', async () => {
    const p = await playground();
    await p.hook('session-start', undefined, { ANTHROPIC_API_KEY: 'secret-key', CLAUDE_CODE_SESSION_ID: 'x', PAG0_PARENT_SESSION: 'y', NODE_OPTIONS: '--no-warnings', HTTP_PROXY: 'http://127.0.0.1:9' });
    const { pid } = (await p.hello())!;
    if (process.platform !== 'linux') return;
    const env = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter((entry) => entry !== '').map((entry) => entry.split('=')[0]);
    expect(env.sort()).toEqual(['HOME', 'PAG0_FETCH_ENV', 'PAG0_HOME', 'PAG0_PORT', 'PATH']);
  });
});

describe('how it ends', () => {
  it('stops itself when nobody needed it for the idle time, and leaves no record behind', async () => {
    const p = await playground();
    const child = p.daemon({ PAG0_IDLE_MS: '400' });
    await until(async () => (await p.hello())?.state === 'ready');
    expect((await exitOf(child)).code).toBe(0);
    expect(p.log()).toContain('stopped reason=idle');
    expect(readDaemonRecord(p.home)).toBeNull();
  });

  it('does not stop while a session lives or a reservation is open', async () => {
    const p = await playground();
    const child = p.daemon({ PAG0_IDLE_MS: '200', PAG0_TEST_BUSY: '1' });
    const end = exitOf(child);
    await until(async () => (await p.hello())?.state === 'ready');
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(child.exitCode).toBeNull();
    await p.client.post('/v1/busy', { busy: false });
    expect((await end).code).toBe(0);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('lets what runs commit before it ends on %s', async (signal) => {
    const p = await playground();
    const child = p.daemon();
    await until(async () => (await p.hello())?.state === 'ready');
    const call = p.client.post<{ done: string }>('/v1/call', { ms: 400, name: 'paid' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    child.kill(signal);
    expect(await call).toEqual({ kind: 'answer', status: 200, body: { done: 'paid' } });
    expect((await exitOf(child)).code).toBe(0);
    expect(calls(p)).toEqual(['paid', 'closed']);
  });

  it('stops, says where it is and shows its log for the command line', async () => {
    const p = await playground();
    expect(await daemonStatus(p.home, p.port)).toEqual({ outcome: 'not-running' });
    expect(await stopDaemon(p.home, p.port)).toEqual({ outcome: 'not-running' });
    await p.hook('session-start');
    const status = await daemonStatus(p.home, p.port);
    expect(status).toMatchObject({ outcome: 'running', status: { version: RELEASE, state: 'ready', home: p.home.dir, busy: false } });
    const { pid } = (await p.hello())!;
    expect(await stopDaemon(p.home, p.port)).toEqual({ outcome: 'stopped', pid });
    expect(isAlive(pid)).toBe(false);
    expect(lastLogLines(p.home, 1)[0]).toContain('stopped reason=person');
  });

  it.runIf(process.platform === 'linux')('that hangs is neither obeyed nor taken for a stranger, and is ended by a signal when a person says so', async () => {
    const p = await playground();
    await p.hook('session-start');
    const { pid } = (await p.hello())!;
    process.kill(pid, 'SIGSTOP');
    expect((await p.hook('user-prompt-submit')).output).toEqual({
      systemMessage: `pag0: its daemon (process ${pid}) does not answer; run \`pag0 daemon stop\`. Calls that cost are refused until then.`,
    });
    expect(await stopDaemon(p.home, p.port, 200)).toEqual({ outcome: 'stopped', pid });
  });

  it('leaves at once when its home was deleted under it, and the next session gets a new one', async () => {
    const p = await playground({ driver: true });
    await p.hook('session-start');
    const before = (await p.hello())!;
    rmSync(p.home.tokenFile);
    const run = await p.hook('user-prompt-submit');
    expect(run.output).toEqual({});
    const after = (await p.hello())!;
    expect(after.pid).not.toBe(before.pid);
    await until(() => !isAlive(before.pid));
  });

  it('is started again by the asynchronous Stop hook after it died in a loop at night', async () => {
    const p = await playground();
    await p.hook('session-start');
    const { pid } = (await p.hello())!;
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid));
    expect((await p.hook('ensure')).output).toEqual({});
    expect((await p.hello())?.state).toBe('ready');
    expect(readFileSync(join(p.home.dir, 'sessions.jsonl'), 'utf8').trim().split('\n')).toHaveLength(2);
  });
});

describe('a newer plugin', () => {
  it('replaces the daemon; the call in flight commits, the books are closed before the new one opens them', async () => {
    const old = await playground();
    await old.hook('session-start');
    const before = (await old.hello())!;
    const next = await playground({ edit: version('9.0.0') });
    const call = old.client.post<{ done: string }>('/v1/call', { ms: 600, name: 'paid' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const run = await next.hook('session-start', undefined, old.env);
    expect(run.output).toEqual({});
    expect(await call).toEqual({ kind: 'answer', status: 200, body: { done: 'paid' } });
    expect(calls(old)).toEqual(['paid', 'closed']);
    const after = (await old.hello())!;
    expect([after.version, after.pid === before.pid]).toEqual(['9.0.0', false]);
    expect(old.log()).toContain('stopping reason=upgrade');
    process.kill(after.pid, 'SIGTERM');
    await until(() => !isAlive(after.pid));
  });

  it('is not replaced by an older one', async () => {
    const next = await playground({ edit: version('9.0.0') });
    await next.hook('session-start');
    const before = (await next.hello())!;
    const old = await playground();
    expect((await old.hook('session-start', undefined, next.env)).output).toEqual({});
    expect((await next.hello())?.pid).toBe(before.pid);
  });

  it('replaces the same version when its bundle was rebuilt since, once', async () => {
    const p = await playground();
    await p.hook('session-start');
    const before = (await p.hello())!;
    const file = join(p.plugin, 'dist/daemon.mjs');
    const build = before.build;
    for (const name of ['daemon.mjs', 'hook-main.mjs']) {
      const path = join(p.plugin, 'dist', name);
      writeFileSync(path, readFileSync(path, 'utf8').replaceAll(build, 'rebuilt'));
    }
    utimesSync(file, new Date(), new Date(Date.now() + 50));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await p.hook('user-prompt-submit');
    const after = (await p.hello())!;
    expect([after.build, after.pid === before.pid]).toEqual(['rebuilt', false]);
    await p.hook('user-prompt-submit');
    expect((await p.hello())?.pid).toBe(after.pid);
  });
});

describe('the door', () => {
  it('says only its name to anyone', async () => {
    const p = await playground();
    await p.hook('session-start');
    const answer = await fetch(`http://127.0.0.1:${p.port}${ROUTES.health}`);
    expect(await answer.json()).toEqual({ service: 'pag0' });
    for (const path of ['/v1/hello', '/v1/status', '/v1/anything']) expect((await fetch(`http://127.0.0.1:${p.port}${path}`)).status).toBe(401);
    expect((await fetch(`http://127.0.0.1:${p.port}/v1/stop`, { method: 'POST', body: '{"reason":"person"}' })).status).toBe(401);
    expect((await p.hello())?.state).toBe('ready');
  });
});
