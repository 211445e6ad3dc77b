import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '../../daemon/contract/client.ts';
import { DAEMON_FLAGS } from '../../daemon/contract/ensure.ts';
import { homeAt, type Home } from '../../daemon/contract/home.ts';
import { ROUTES, type HelloAnswer } from '../../daemon/contract/routes.ts';

const BUNDLE = fileURLToPath(new URL('../../plugin/dist/daemon.mjs', import.meta.url));

/** The shipped daemon, in a home of its own on a free port. */
export interface BenchDaemon {
  home: Home;
  port: number;
  pid: number;
  /** From the start of the process to its first proven answer that it is ready, in ms. */
  startMs: number;
  rssMb(): number;
  register(session: string): Promise<void>;
  stop(): Promise<void>;
}

/** The daemon on one core and whoever asks on another, where the machine lets us say so: else they fight for both. */
const ON_FIRST_CORE = pin(process.pid, '1-') ? ['taskset', '-c', '0'] : [];

function pin(pid: number, cores: string): boolean {
  const last = cpus().length - 1;
  return last > 0 && spawnSync('taskset', ['-acp', `${cores}${last}`, String(pid)], { stdio: 'ignore' }).status === 0;
}

/** Limits far away: a benchmark of refusals would not be one of decisions. */
export const FAR = { policy: { sessionBudget: '$900000000', dailyBudget: '$900000000' }, loops: { dollarsPerMinute: null, repeatLimit: null } };

export async function startDaemon(config: object, dir = mkdtempSync(join(tmpdir(), 'pag0-bench-'))): Promise<BenchDaemon> {
  const home = homeAt(dir);
  writeFileSync(home.configFile, JSON.stringify(config), { mode: 0o600 });
  const port = await freePort();
  const began = performance.now();
  const [program, ...args] = [...ON_FIRST_CORE, process.execPath, ...DAEMON_FLAGS, BUNDLE];
  const child = spawn(program!, args, { env: { PATH: process.env['PATH'], HOME: dir, PAG0_HOME: dir, PAG0_PORT: String(port) }, stdio: ['ignore', 'ignore', 'inherit'] });
  const died = (code: number | null, signal: string | null): void => console.error(`the daemon died in mid-run (${signal ?? code})`);
  child.once('exit', died);
  await ready(home, port);
  const startMs = performance.now() - began;
  return {
    home,
    port,
    pid: child.pid!,
    startMs,
    rssMb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024,
    register: (session) => register(home, port, session),
    stop: () => {
      child.off('exit', died);
      return stop(child, dir);
    },
  };
}

async function ready(home: Home, port: number): Promise<void> {
  for (let attempt = 0; attempt < 2_000; attempt += 1) {
    const client = createClient({ home, port, timeoutMs: 1_000 });
    const outcome = await client.get<HelloAnswer>(ROUTES.hello);
    client.close();
    if (outcome.kind === 'answer' && outcome.body.state === 'ready') return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error('the daemon did not get ready');
}

async function register(home: Home, port: number, session: string): Promise<void> {
  const client = createClient({ home, port, timeoutMs: 5_000 });
  const registration = {
    event: 'session-start',
    session_id: session,
    transcript_path: null,
    cwd: home.dir,
    source: 'startup',
    prompt_id: null,
    author: 'person',
    permission_mode: null,
    attended: false,
    options: {},
    clientPid: process.pid,
    parent: { session: null },
    ancestors: [],
    project: home.dir,
    run: null,
    pluginVersion: '0',
  };
  const outcome = await client.post(ROUTES.session, registration);
  client.close();
  if (outcome.kind !== 'answer' || outcome.status !== 200) throw new Error(`not registered: ${JSON.stringify(outcome)}`);
}

function stop(child: ChildProcess, dir: string): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => {
      rmSync(dir, { recursive: true, force: true });
      resolve();
    });
    child.kill('SIGTERM');
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
