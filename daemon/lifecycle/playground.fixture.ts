import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildBundles, writeBundles, type Files } from '../../scripts/build.ts';
import { createClient, type Client } from '../contract/client.ts';
import { homeAt, type Home } from '../contract/home.ts';
import { ROUTES, type HelloAnswer } from '../contract/routes.ts';
import { isAlive } from '../contract/start-lock.ts';

/** A machine in small for tests with real processes: a home and a port of its own, the plugin as it ships around a stand-in daemon. */
export interface Playground {
  home: Home;
  port: number;
  plugin: string;
  env: Record<string, string>;
  client: Client;
  /** The hook as the client starts it. */
  hook(mode: string, payload?: object, env?: Record<string, string>): Promise<HookRun>;
  hello(): Promise<HelloAnswer | null>;
  /** The daemon in the foreground of the test, so that its exit code can be seen. */
  daemon(env?: Record<string, string>): ChildProcess;
  starts(): number;
  log(): string;
  dispose(): Promise<void>;
}

export interface HookRun {
  code: number | null;
  output: { systemMessage?: string; continue?: boolean; stopReason?: string };
  ms: number;
}

const REPO = fileURLToPath(new URL('../../', import.meta.url));

/** In memory, so each test file builds once; 70 ms. */
let bundles: Promise<Files> | null = null;

export async function createPlayground(options: { driver?: boolean; home?: string; edit?: (files: Files) => void } = {}): Promise<Playground> {
  bundles ??= buildBundles(REPO, 'daemon/lifecycle/stand-in.fixture.ts');
  const files = new Map(await bundles);
  options.edit?.(files);
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'pag0-life-')));
  const plugin = join(root, 'plugin');
  copyPlugin(plugin, files);
  const home = homeAt(options.home ?? join(root, 'home'));
  if (options.driver !== false) linkDriver(home);
  const port = await freePort();
  const client = createClient({ home, port, timeoutMs: 2_000 });
  const env = { PATH: process.env['PATH'] ?? '', HOME: root, PAG0_HOME: home.dir, PAG0_PORT: String(port) };
  const started = new Set<ChildProcess>();
  const seen = new Set<number>();

  const hello = async (): Promise<HelloAnswer | null> => {
    const outcome = await client.get<HelloAnswer>(ROUTES.hello);
    if (outcome.kind !== 'answer' || outcome.status !== 200) return null;
    seen.add(outcome.body.pid);
    return outcome.body;
  };
  const log = (): string => (existsSync(home.logFile) ? readFileSync(home.logFile, 'utf8') : '');
  return {
    home,
    port,
    plugin,
    env,
    client,
    hello,
    log,
    hook: (mode, payload = { session_id: 's1', cwd: root }, extra = {}) => runHook(plugin, mode, payload, { ...env, ...extra }),
    daemon: (extra = {}) => {
      const child = spawn(process.execPath, [join(plugin, 'dist/daemon.mjs')], { env: { ...env, ...extra }, stdio: ['ignore', 'pipe', 'pipe'] });
      started.add(child);
      return child;
    },
    starts: () => log().split('\n').filter((line) => line.includes(' listening ')).length,
    dispose: async () => {
      await hello();
      client.close();
      for (const line of log().matchAll(/ listening .*pid=(\d+)/g)) seen.add(Number(line[1]));
      for (const child of started) if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) seen.add(child.pid);
      for (const pid of seen) if (isDaemonOf(pid, plugin)) process.kill(pid, 'SIGKILL');
      await until(() => [...seen].every((pid) => !isDaemonOf(pid, plugin)));
      rmSync(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

export function copyPlugin(target: string, files: Files): void {
  const source = join(REPO, 'plugin');
  mkdirSync(target, { recursive: true });
  for (const part of ['.claude-plugin', 'bin', 'driver', 'hooks']) cpSync(join(source, part), join(target, part), { recursive: true });
  writeBundles(files, join(target, 'dist'));
}

/** As if it had been fetched already; the fetch itself has a slow test. */
export function linkDriver(home: Home): void {
  mkdirSync(home.driverDir, { recursive: true, mode: 0o700 });
  symlinkSync(join(REPO, 'node_modules'), join(home.driverDir, 'node_modules'));
}

export function runHook(plugin: string, mode: string, payload: object, env: Record<string, string>, node = process.execPath): Promise<HookRun> {
  return new Promise((resolve, reject) => {
    const began = Date.now();
    const child = spawn(node, [join(plugin, 'dist/hook.mjs'), mode], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output: text === '' ? {} : (JSON.parse(text) as HookRun['output']), ms: Date.now() - began }));
    child.stdin.end(JSON.stringify(payload));
  });
}

/** A pid may have been given to another program since; only what runs our own copy of the daemon is ever ended. */
function isDaemonOf(pid: number, plugin: string): boolean {
  if (!isAlive(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(plugin);
  } catch {
    return process.platform !== 'linux';
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function until(condition: () => boolean | Promise<boolean>, limitMs = 8_000): Promise<void> {
  const limit = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error(`Still not so after ${limitMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function exitOf(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk));
    child.on('close', (code) => resolve({ code, stderr }));
  });
}
