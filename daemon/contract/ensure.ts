import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { parse } from 'node:path';
import { createClient, type Client, type Outcome } from './client.ts';
import { daemonEnv } from './daemon-env.ts';
import { ensureToken, openHome, readDaemonRecord, type Home } from './home.ts';
import { fileProblem, problem, type Problem } from './problem.ts';
import { ROUTES, type HelloAnswer } from './routes.ts';
import { isAlive, takeStartLock, type StartLock } from './start-lock.ts';
import { compareVersions } from './version.ts';
import { HANDED_OVER, WALLET_VARIABLES, walletSecretsIn } from './wallet-secrets.ts';

export interface EnsureOptions {
  /** Of the home folder; it is created when missing. */
  dir: string;
  port: number;
  /** What we carry: the version and build of `entry`. */
  version: string;
  build: string;
  /** The daemon's program file. */
  entry: string;
  /** Node options for it (`--import tsx` when the entry is TypeScript). */
  execArgv?: readonly string[];
  env?: Record<string, string | undefined>;
  /** How long a normal start may take. */
  waitMs?: number;
  /** How long it may take while the daemon says that it is fetching its SQLite driver. */
  fetchWaitMs?: number;
}

export type Ensured =
  | { ok: true; home: Home; hello: HelloAnswer; client: Client; started: boolean; waited: boolean }
  /** `stranger`: what holds the port could not prove that it is ours, so nothing it says may be obeyed. */
  | { ok: false; problem: Problem; stranger: boolean };

const POLL_MS = 40;
const HELLO_MS = 1_500;
/** A daemon whose token was replaced under it notices at our first question and leaves; only then is a stranger a stranger. */
const SECOND_LOOK_MS = 400;

/**
 * Finds our daemon and has it prove itself, replaces an older one, starts one where there is none. Twenty callers at once end
 * up with the same daemon. Close `client` when done.
 */
export async function ensureDaemon(options: EnsureOptions): Promise<Ensured> {
  const opened = openHome(options.dir);
  if (!opened.ok) return { ok: false, problem: opened.problem, stranger: false };
  const token = ensureToken(opened.home);
  if (!token.ok) return { ok: false, problem: token.problem, stranger: false };
  const search: Search = {
    options,
    home: opened.home,
    client: createClient({ home: opened.home, port: options.port, timeoutMs: HELLO_MS }),
    began: Date.now(),
    child: null,
    childEnd: null,
    lock: null,
    waited: false,
    doubts: 0,
  };
  try {
    const ensured = await look(search);
    if (!ensured.ok) search.client.close();
    return ensured;
  } catch (error) {
    search.client.close();
    const found = fileProblem(error, opened.home.dir);
    if (found === null) throw error;
    return { ok: false, problem: found, stranger: false };
  } finally {
    search.lock?.release();
  }
}

interface Search {
  options: EnsureOptions;
  home: Home;
  client: Client;
  began: number;
  child: ChildProcess | null;
  childEnd: number | string | null;
  lock: StartLock | null;
  waited: boolean;
  doubts: number;
}

async function look(search: Search): Promise<Ensured> {
  const { options, client } = search;
  let limit = search.began + (options.waitMs ?? 5_000);
  let last: HelloAnswer | null = null;
  while (Date.now() < limit) {
    const outcome = await client.get<HelloAnswer>(ROUTES.hello, Math.min(HELLO_MS, Math.max(100, limit - Date.now())));
    if (outcome.kind === 'answer' && isHello(outcome)) {
      last = outcome.body;
      search.doubts = 0;
      if (shouldReplace(last, options)) await client.post(ROUTES.stop, { reason: 'upgrade' });
      else if (last.state === 'ready') return { ok: true, home: search.home, hello: last, client, started: search.child !== null, waited: search.waited };
      else if (last.state === 'failed') return { ok: false, problem: last.problem ?? startFailed(search.home), stranger: false };
      // The port is ours and bound: from here on others need no lock to keep them from starting one more.
      else if (last.state === 'starting') {
        search.lock?.release();
        search.waited = true;
        if (last.notice !== undefined) limit = Math.max(limit, search.began + (options.fetchWaitMs ?? options.waitMs ?? 5_000));
      }
    } else if (outcome.kind === 'absent') {
      last = null;
      search.doubts = 0;
      if (search.childEnd !== null) return { ok: false, problem: startFailed(search.home), stranger: false };
      if (search.child === null) startIfFirst(search);
    } else if (outcome.kind !== 'answer') {
      search.doubts += 1;
      if (search.doubts > 1) return { ok: false, ...judge(search, outcome.kind) };
      await pause(SECOND_LOOK_MS);
    }
    await pause(POLL_MS);
  }
  return { ok: false, problem: tooSlow(search, last), stranger: false };
}

function isHello(outcome: Extract<Outcome<HelloAnswer>, { kind: 'answer' }>): boolean {
  return outcome.status === 200 && outcome.body?.service === 'pag0';
}

/**
 * Never a newer one by an older: two sessions with two versions would take turns for ever. The same version counts as replaced only
 * when our file was written after that daemon started, for the same reason.
 */
export function shouldReplace(running: HelloAnswer, ours: { version: string; build: string; entry: string }): boolean {
  if (running.state === 'draining') return false;
  const order = compareVersions(ours.version, running.version);
  if (order !== 0) return order > 0;
  return ours.build !== running.build && writtenAt(ours.entry) > running.startedAt;
}

function writtenAt(file: string): number {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

function startIfFirst(search: Search): void {
  search.lock ??= takeStartLock(search.home.startLock, Date.now());
  if (search.lock === null) return;
  search.child = startDetached(search.home, search.options);
  search.waited = true;
  search.child.once('exit', (code, signal) => (search.childEnd = code ?? signal ?? 'gone'));
  search.child.once('error', () => (search.childEnd = 'not started'));
}

/**
 * A daemon lives for days beside the person's own work: a small young generation keeps its memory near what it needs, where
 * V8's default lets it grow to three times that before it looks.
 */
export const DAEMON_FLAGS = ['--max-semi-space-size=2', '--max-old-space-size=256'];

/**
 * In a session of its own, with no terminal and no folder held, so that it outlives the hook, the client and the window. What
 * opens the wallet goes through stdin, because an environment can be read from outside.
 */
function startDetached(home: Home, options: EnsureOptions): ChildProcess {
  const log = openSync(home.logFile, 'a', 0o600);
  const env = options.env ?? process.env;
  const secrets = walletSecretsIn(env, WALLET_VARIABLES);
  try {
    const child = spawn(process.execPath, [...DAEMON_FLAGS, ...(options.execArgv ?? []), options.entry], {
      detached: true,
      windowsHide: true,
      stdio: [secrets === null ? 'ignore' : 'pipe', log, log],
      cwd: parse(home.dir).root,
      env: daemonEnv(env, { PAG0_HOME: home.dir, PAG0_PORT: String(options.port), ...(secrets === null ? {} : { [HANDED_OVER]: '1' }) }),
    });
    // One that ends before it reads has said why in its log.
    child.stdin?.on('error', () => {}).end(JSON.stringify(secrets));
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/**
 * Something holds the port. When it is silent and the process we last started is alive, it is more likely ours and stuck
 * than a thief; nobody obeys it either way.
 */
function judge(search: Search, kind: 'stranger' | 'silent'): { problem: Problem; stranger: boolean } {
  const { port } = search.options;
  const record = readDaemonRecord(search.home);
  if (kind === 'silent' && record !== null && record.port === port && isAlive(record.pid)) {
    return { problem: problem('DAEMON_SILENT', `its daemon (process ${record.pid}) does not answer; run \`pag0 daemon stop\`. Calls that cost are refused until then.`), stranger: false };
  }
  return { problem: portTaken(port), stranger: true };
}

export function portTaken(port: number): Problem {
  return problem('PORT_TAKEN', `port ${port} is held by a program that cannot prove it is your pag0 daemon; end that program, then start the session again.`);
}

function startFailed(home: Home): Problem {
  return problem('DAEMON_DIED', `the daemon ended as soon as it started; the reason is at the end of ${home.logFile}.`);
}

function tooSlow(search: Search, last: HelloAnswer | null): Problem {
  if (last?.notice !== undefined) return problem('DAEMON_SLOW', `${last.notice.replace(/^pag0: /, '')} It is not done yet; calls that cost are refused until it is.`);
  return problem('DAEMON_SLOW', `the daemon is not ready yet; calls that cost are refused until it is. Its log is ${search.home.logFile}.`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
