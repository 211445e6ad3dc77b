import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, linkSync, lstatSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { errorCode, fileProblem, problem, type Problem } from './problem.ts';

/** The owner-only folder with everything pag0 keeps. It lies outside the plugin, which is replaced at every update. */
export interface Home {
  dir: string;
  /** 32 random bytes in hex: what makes a daemon ours. Never sent anywhere; see `proof.ts`. */
  tokenFile: string;
  /** Who is running: `{ pid, port, version, build, startedAt, node, born }`. A hint for people and tools, never a proof. */
  daemonFile: string;
  ledgerFile: string;
  /** Answers that were bought or fetched: what is lost with it can be had again. */
  cacheFile: string;
  /** The gateway's certificate authority, and what programs are told to trust. */
  caDir: string;
  /** The wallet's key, encrypted with a password that lies elsewhere. */
  walletFile: string;
  configFile: string;
  logFile: string;
  driverDir: string;
  startLock: string;
}

export type HomeOutcome = { ok: true; home: Home } | { ok: false; problem: Problem };
export type TokenOutcome = { ok: true; token: string } | { ok: false; problem: Problem };

export interface DaemonRecord {
  pid: number;
  port: number;
  version: string;
  build: string;
  startedAt: number;
  node: string;
  /** When the process began, in the system's own count: a number is given away again. Only where a shell can look it up. */
  born?: string;
}

export const DEFAULT_PORT = 4402;

type Env = Record<string, string | undefined>;

export function homeDir(env: Env = process.env): string {
  const named = env['PAG0_HOME'];
  return named !== undefined && named !== '' ? resolve(named) : join(homedir(), '.pag0');
}

/** The hooks of the plugin name port 4402; another one is for tests and for programs that start their own daemon. */
export function portFrom(env: Env = process.env): number {
  const port = Number(env['PAG0_PORT']);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : DEFAULT_PORT;
}

/** Names only; touches nothing. */
export function homeAt(dir: string): Home {
  return {
    dir,
    tokenFile: join(dir, 'token'),
    daemonFile: join(dir, 'daemon.json'),
    ledgerFile: join(dir, 'ledger.db'),
    cacheFile: join(dir, 'cache.db'),
    caDir: join(dir, 'ca'),
    walletFile: join(dir, 'wallet.json'),
    configFile: join(dir, 'config.json'),
    logFile: join(dir, 'daemon.log'),
    driverDir: join(dir, 'driver'),
    startLock: join(dir, 'start.lock'),
  };
}

/** What the shells of one session read before each command (`hooks/session-env.ts`). Empty while they are not led to the gateway. */
export function environmentFile(dir: string, session: string): string {
  return join(dir, 'environment', `${createHash('sha256').update(session).digest('hex').slice(0, 32)}.sh`);
}

/** Creates the folder when it is missing and makes sure that it is ours alone: the token in it is the key to the budget. */
export function openHome(dir: string): HomeOutcome {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const found = ownedByUs(dir, 0o700);
    return found === null ? { ok: true, home: homeAt(dir) } : { ok: false, problem: found };
  } catch (error) {
    const found = fileProblem(error, dir);
    if (found === null) throw error;
    return { ok: false, problem: found };
  }
}

/** The token, made by whoever comes first. `link` fails when the name exists, so racing creators end up with one token. */
export function ensureToken(home: Home): TokenOutcome {
  const present = readToken(home);
  if (present !== null) return present;
  const draft = join(home.dir, `token.${process.pid}.${randomBytes(6).toString('hex')}`);
  try {
    writeFileSync(draft, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
    try {
      linkSync(draft, home.tokenFile);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  } catch (error) {
    const found = fileProblem(error, home.dir);
    if (found === null) throw error;
    return { ok: false, problem: found };
  } finally {
    removeIfThere(draft);
  }
  return readToken(home) ?? { ok: false, problem: problem('HOME_UNWRITABLE', `${home.tokenFile} disappeared while it was being made.`) };
}

/** null: there is none yet. A token that others could have read or written is no proof of anything, so it is refused. */
export function readToken(home: Home): TokenOutcome | null {
  try {
    const found = ownedByUs(home.tokenFile, 0o600);
    if (found !== null) return { ok: false, problem: found };
    const token = readFileSync(home.tokenFile, 'utf8').trim();
    if (/^[0-9a-f]{64}$/.test(token)) return { ok: true, token };
    return { ok: false, problem: problem('HOME_FOREIGN', `${home.tokenFile} is damaged; delete it and start the session again.`) };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    const found = fileProblem(error, home.tokenFile);
    if (found === null) throw error;
    return { ok: false, problem: found };
  }
}

export function readDaemonRecord(home: Home): DaemonRecord | null {
  try {
    const value = JSON.parse(readFileSync(home.daemonFile, 'utf8')) as Partial<DaemonRecord>;
    return typeof value.pid === 'number' && typeof value.port === 'number' ? (value as DaemonRecord) : null;
  } catch {
    return null;
  }
}

/**
 * Mode bits of what is ours are repaired (a restored backup, a generous umask); another owner is refused, because they may
 * have put it there. A link is refused for the file: it could point at a file somebody else keeps writing. Windows has no
 * owners in this sense and protects the profile folder itself.
 */
function ownedByUs(path: string, mode: number): Problem | null {
  const uid = process.getuid?.();
  if (uid === undefined) return null;
  const stat = mode === 0o700 ? statSync(path) : lstatSync(path);
  if (mode === 0o700 && !stat.isDirectory()) return problem('HOME_UNWRITABLE', `${path} is not a folder; name another one in PAG0_HOME.`);
  if (mode === 0o600 && !stat.isFile()) return problem('HOME_FOREIGN', `${path} is not a plain file; delete it and start the session again.`);
  if (stat.uid !== uid) {
    return problem('HOME_FOREIGN', `${path} belongs to another user, so it is not trusted; delete it, or name another folder in PAG0_HOME.`);
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(path, mode);
  return null;
}

export function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already, or on a disk that no longer lets anything go: either way nothing depends on it.
  }
}
