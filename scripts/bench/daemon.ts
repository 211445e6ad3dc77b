import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '../../daemon/contract/client.ts';
import { DAEMON_FLAGS } from '../../daemon/contract/ensure.ts';
import { homeAt, type Home } from '../../daemon/contract/home.ts';
import { ROUTES, type HelloAnswer } from '../../daemon/contract/routes.ts';
import { ON_FIRST_CORE } from './cores.ts';
import { freePort } from './free-port.ts';
import { sessionStart } from '../session-start.ts';

const BUNDLE = fileURLToPath(new URL('../../plugin/dist/daemon.mjs', import.meta.url));

/** The shipped daemon, in a home of its own on a free port. */
export interface BenchDaemon {
  home: Home;
  port: number;
  pid: number;
  /** From the start of the process to its first proven answer that it is ready, in ms. */
  startMs: number;
  rssMb(): number;
  /** The most memory since its start, or since `forgetPeak`. */
  peakMb(): number;
  forgetPeak(): void;
  register(session: string): Promise<void>;
  stop(): Promise<void>;
}

/** Limits far away: a benchmark of refusals would not be one of decisions. */
export const FAR = { policy: { sessionBudget: '$900000000', dailyBudget: '$900000000' }, loops: { dollarsPerMinute: null, repeatLimit: null } };

/** `trusts`: a file of roots that the daemon believes besides those of the system. `env`: more of its environment. */
export async function startDaemon(config: object, options: { dir?: string; trusts?: string; env?: Record<string, string> } = {}): Promise<BenchDaemon> {
  const { dir = mkdtempSync(join(tmpdir(), 'pag0-bench-')), trusts } = options;
  const home = homeAt(dir);
  writeFileSync(home.configFile, JSON.stringify(config), { mode: 0o600 });
  const port = await freePort();
  const began = performance.now();
  const [program, ...args] = [...ON_FIRST_CORE, process.execPath, ...DAEMON_FLAGS, BUNDLE];
  const env = { PATH: process.env['PATH'], HOME: dir, PAG0_HOME: dir, PAG0_PORT: String(port), ...options.env, ...(trusts === undefined ? {} : { NODE_EXTRA_CA_CERTS: trusts }) };
  const child = spawn(program!, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const died = (code: number | null, signal: string | null): void => console.error(`the daemon died in mid-run (${signal ?? code})`);
  child.once('exit', died);
  await ready(home, port);
  const startMs = performance.now() - began;
  return {
    home,
    port,
    pid: child.pid!,
    startMs,
    rssMb: () => memoryMb(child.pid!, 'VmRSS'),
    peakMb: () => memoryMb(child.pid!, 'VmHWM'),
    forgetPeak: () => writeFileSync(`/proc/${child.pid}/clear_refs`, '5'),
    register: (session) => register(home, port, session),
    stop: () => {
      child.off('exit', died);
      return stop(child, dir);
    },
  };
}

function memoryMb(pid: number, figure: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`${figure}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024;
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
  const outcome = await client.post(ROUTES.session, sessionStart(session, home.dir, process.pid));
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
