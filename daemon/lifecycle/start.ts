import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createClient } from '../contract/client.ts';
import { portTaken } from '../contract/ensure.ts';
import { ensureToken, readDaemonRecord, readToken, removeIfThere, type DaemonRecord, type Home } from '../contract/home.ts';
import { ledProcesses } from '../contract/led-processes.ts';
import { errorCode, fileProblem, problem, ProblemError, type Problem } from '../contract/problem.ts';
import { createRequestCheck } from '../contract/proof.ts';
import { ROUTES, type DaemonState, type HelloAnswer, type StatusAnswer, type StopReason } from '../contract/routes.ts';
import type { Mode } from '../core/mode.ts';
import { loadDriver, type LoadedDriver, type SqliteDriver } from '../ledger/driver.ts';
import { createDoor, type Fetch } from './door.ts';
import { createListener, type Serving } from './listener.ts';
import type { Log } from './log.ts';

/** The part of `assemble.ts` that the daemon's life depends on. */
export interface Assembled extends Serving {
  /** Everything else. */
  fetch: Fetch;
  lastActivity(): number;
  busy(): boolean;
  mode(): Mode;
  drain(): Promise<void>;
  close(): Promise<void>;
}

export type Assemble = (parts: { home: Home; version: string; log: Log; clock: () => number; sqlite: SqliteDriver; port: number; token: string }) => Promise<Assembled>;

export interface StartOptions {
  home: Home;
  port: number;
  version: string;
  build: string;
  log: Log;
  clock: () => number;
  idleMs: number;
  assemble: Assemble;
  /** Where `package.json` and `package-lock.json` of the SQLite driver for Node 20 lie. */
  driverSource: string;
}

/** `yielded`: another daemon of ours has the port, which is as good as having started. */
export type Started = { outcome: 'running'; ended: Promise<StopReason>; stop(reason: StopReason): void } | { outcome: 'yielded' } | { outcome: 'refused'; problem: Problem };

export const IDLE_MS = 30 * 60_000;

/** What is running gets this long to commit; a reservation still open after it stays on the books as held. */
const DRAIN_LIMIT_MS = 10_000;
/** A daemon that could not start stays this long to say why to everyone who waits for it. */
const FAILED_LINGER_MS = 3_000;
const MAX_WATCH_MS = 30_000;

/**
 * Takes the port first, which is the one lock there is, then opens what it needs behind it. From the first moment it can
 * prove who it is and say how far it got.
 */
export async function startDaemon(options: StartOptions): Promise<Started> {
  const { home, port, log, clock } = options;
  const token = ensureToken(home);
  if (!token.ok) return { outcome: 'refused', problem: token.problem };
  const startedAt = clock();
  const life: Life = { options, token: token.token, startedAt, state: 'starting', notice: null, problem: null, driver: null, assembled: null, server: null, stopping: null, opening: null, neededAt: 0, end: () => {} };
  const ended = new Promise<StopReason>((resolve) => (life.end = resolve));

  const door = createDoor({
    token: token.token,
    check: createRequestCheck({ token: token.token, port, startedAt }),
    clock,
    hello: () => helloOf(life),
    status: () => statusOf(life),
    stop: (reason) => void stop(life, reason),
    app: () => serving(life)?.fetch ?? null,
    forged: () => leaveIfReplaced(life),
  });

  const server = createListener({ door, serving: () => serving(life), opening: () => life.opening, leaving: () => life.stopping !== null });
  const bound = await bind(server, port);
  if ('error' in bound) return bindFailed(bound.error, options);
  life.server = bound.server;
  log.info('listening', { port, pid: process.pid, version: options.version, node: process.versions.node });
  life.opening = open(life).finally(() => (life.opening = null));
  return { outcome: 'running', ended, stop: (reason) => void stop(life, reason) };
}

interface Life {
  options: StartOptions;
  token: string;
  startedAt: number;
  state: DaemonState;
  notice: string | null;
  problem: Problem | null;
  driver: LoadedDriver | null;
  assembled: Assembled | null;
  server: Server | null;
  stopping: Promise<void> | null;
  /** null once it serves, or never will. */
  opening: Promise<void> | null;
  /** When a process was last seen that has no other way out. */
  neededAt: number;
  end(reason: StopReason): void;
}

/** null while the ledger is not open. */
function serving({ state, assembled }: Life): Assembled | null {
  return state === 'ready' || state === 'draining' ? assembled : null;
}

async function open(life: Life): Promise<void> {
  const { options } = life;
  const { home, log, clock, port, version } = options;
  try {
    life.driver = await loadDriver({ home, source: options.driverSource, log, notice: (text) => (life.notice = text) });
    if (life.stopping !== null) return;
    if (!life.driver.fetched) life.notice = null;
    const assembled = await options.assemble({ home, version, log, clock, sqlite: life.driver.driver, port, token: life.token });
    life.assembled = assembled;
    if (life.stopping !== null) return;
    writeRecord(life);
    life.state = 'ready';
    log.info('ready', { driver: life.driver.driver.name, ms: clock() - life.startedAt });
    watch(life);
  } catch (error) {
    life.problem = startProblem(error, home);
    life.state = 'failed';
    log.error('cannot start', error, { code: life.problem.code });
    setTimeout(() => void stop(life, 'failed'), FAILED_LINGER_MS).unref();
  }
}

function startProblem(error: unknown, home: Home): Problem {
  if (error instanceof ProblemError) return error.problem;
  // SQLite's own words for a full disk; its error carries the result code, SQLITE_FULL.
  if (hasSqliteCode(error, 13)) return problem('DISK_FULL', `the disk that holds ${home.dir} is full; free some space, then start the session again.`);
  if (hasSqliteCode(error, 8)) return problem('HOME_UNWRITABLE', `${home.dir} cannot be written; make it writable for you, or name another folder in PAG0_HOME.`);
  const found = fileProblem(error, home.dir);
  return found ?? problem('START_FAILED', `the daemon cannot start (${error instanceof Error ? error.message : String(error)}); its log is ${home.logFile}.`);
}

/** Extended codes carry the primary one in their low byte. The ledger may have wrapped the error. */
function hasSqliteCode(error: unknown, primary: number): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const { errcode } = at as { errcode?: unknown };
    if (typeof errcode === 'number' && (errcode & 0xff) === primary) return true;
  }
  return false;
}

/** Ends a daemon that nobody needs any more, and one whose home was deleted or replaced under it. */
function watch(life: Life): void {
  const { idleMs, clock, log } = life.options;
  let looking = false;
  const timer = setInterval(() => {
    if (life.stopping !== null) return clearInterval(timer);
    leaveIfReplaced(life);
    if (life.assembled === null || life.assembled.busy()) return;
    const idle = clock() - Math.max(life.startedAt, life.neededAt, life.assembled.lastActivity());
    if (idle < idleMs || looking) return;
    looking = true;
    // What a session left behind would reach nothing without us. Asked once in an idle time, for it costs a look at every process.
    void ledProcesses(life.options.port).catch(() => []).then((led) => {
      looking = false;
      if (life.stopping !== null) return;
      if (led.length > 0) return void (life.neededAt = clock());
      log.info('idle', { ms: idle });
      void stop(life, 'idle');
    });
  }, Math.max(20, Math.min(MAX_WATCH_MS, idleMs / 4)));
}

/** With another token in the home every hook takes us for a stranger, and rightly so; leaving lets them start the right one. */
function leaveIfReplaced(life: Life): void {
  const now = readToken(life.options.home);
  // A home that cannot be read just now is no reason to go: the ledger decides what that means.
  if (now !== null && (!now.ok || now.token === life.token)) return;
  life.options.log.warn('the token in the home is not ours any more');
  void stop(life, 'token');
}

/**
 * Refuse what is new, let what runs commit, close the books, and only then free the port: who binds it next finds them closed.
 */
function stop(life: Life, reason: StopReason): Promise<void> {
  life.stopping ??= stopOnce(life, reason);
  return life.stopping;
}

async function stopOnce(life: Life, reason: StopReason): Promise<void> {
  const { log, home } = life.options;
  if (life.state !== 'failed') life.state = 'draining';
  log.info('stopping', { reason });
  const assembled = life.assembled;
  if (assembled !== null) {
    const drained = await within(DRAIN_LIMIT_MS, assembled.drain().then(() => true));
    if (drained !== true) log.warn('stopping with calls still open', { limitMs: DRAIN_LIMIT_MS });
    life.assembled = null;
    try {
      await assembled.close();
    } catch (error) {
      log.error('the ledger did not close cleanly', error);
    }
  }
  if (readDaemonRecord(home)?.pid === process.pid) removeIfThere(home.daemonFile);
  await closeServer(life.server);
  log.info('stopped', { reason });
  life.end(reason);
}

function closeServer(server: Server | null): Promise<void> {
  return new Promise((resolve) => {
    if (server === null) return resolve();
    server.close(() => resolve());
    server.closeIdleConnections();
    // An answer on its way (the one to `stop` itself) gets a moment, a connection that just stays open does not.
    setTimeout(() => server.closeAllConnections(), 250).unref();
  });
}

function within<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  return Promise.race([promise.catch(() => null), new Promise<null>((resolve) => setTimeout(() => resolve(null), ms).unref())]);
}

function helloOf(life: Life): HelloAnswer {
  const { version, build, port } = life.options;
  return {
    service: 'pag0',
    version,
    build,
    pid: process.pid,
    port,
    node: process.versions.node,
    startedAt: life.startedAt,
    state: life.state,
    ...(life.notice === null ? {} : { notice: life.notice }),
    ...(life.problem === null ? {} : { problem: life.problem }),
  };
}

function statusOf(life: Life): StatusAnswer {
  const { home, clock, idleMs } = life.options;
  const now = clock();
  return {
    ...helloOf(life),
    home: home.dir,
    log: home.logFile,
    uptimeMs: now - life.startedAt,
    idleMs: life.assembled === null ? 0 : now - Math.max(life.startedAt, life.assembled.lastActivity()),
    idleLimitMs: idleMs,
    busy: life.assembled?.busy() ?? false,
    driver: life.driver?.driver.name ?? null,
    mode: life.assembled?.mode() ?? null,
  };
}

function writeRecord(life: Life): void {
  const { home, port, version, build } = life.options;
  const record: DaemonRecord = { pid: process.pid, port, version, build, startedAt: life.startedAt, node: process.versions.node, ...bornAt() };
  const draft = `${home.daemonFile}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(draft, home.daemonFile);
}

/** proc_pid_stat(5), field 22: what tells this life of the process's number from the next (`plugin/hooks/alive.sh`). */
function bornAt(): Pick<DaemonRecord, 'born'> {
  if (process.platform !== 'linux') return {};
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const born = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return born === undefined ? {} : { born };
}

function bind(server: Server, port: number): Promise<{ server: Server } | { error: unknown }> {
  return new Promise((resolve) => {
    server.once('error', (error) => resolve({ error }));
    server.listen(port, '127.0.0.1', () => resolve({ server }));
  });
}

/** Whoever was first may be one of ours, started a moment earlier by another session. */
async function bindFailed(error: unknown, options: StartOptions): Promise<Started> {
  const { home, port } = options;
  if (errorCode(error) === 'EACCES') return { outcome: 'refused', problem: problem('PORT_TAKEN', `port ${port} may not be used by you on this machine.`) };
  if (errorCode(error) !== 'EADDRINUSE') throw error;
  const client = createClient({ home, port, timeoutMs: 2_000 });
  try {
    const holder = await client.get<HelloAnswer>(ROUTES.hello);
    if (holder.kind === 'answer') return { outcome: 'yielded' };
    return { outcome: 'refused', problem: portTaken(port) };
  } finally {
    client.close();
  }
}
