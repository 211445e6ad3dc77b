import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { FETCH_ENV } from '../contract/daemon-env.ts';
import type { Home } from '../contract/home.ts';
import { errorCode, fileProblem, problem, ProblemError } from '../contract/problem.ts';
import { hasBuiltInSqlite } from '../contract/version.ts';
import type { Log } from '../lifecycle/log.ts';
import type { Database } from './database.ts';

/**
 * SQLite without anything to compile: Node's own where it has one; on Node 20 a package with the same interface whose binaries
 * come inside it. The plugin cannot carry those (29 MB), so they are fetched once, by npm, exactly as the lock file next to the bundles
 * names them, hash included.
 */
export interface SqliteDriver {
  name: string;
  open(path: string, options?: { readOnly?: boolean }): Database;
}

export interface LoadedDriver {
  driver: SqliteDriver;
  /** Just now, over the network: the person should hear of it once. */
  fetched: boolean;
}

export interface LoadOptions {
  home: Home;
  /** The folder with `package.json` and `package-lock.json` of the fetched driver. */
  source: string;
  log: Log;
  /** One sentence while something slow happens. */
  notice(text: string): void;
}

const PACKAGE = '@photostructure/sqlite';
const VERSION = '1.2.1';
const FETCH_LIMIT_MS = 120_000;

export async function loadDriver(options: LoadOptions): Promise<LoadedDriver> {
  if (hasBuiltInSqlite(process.versions.node)) return { driver: builtIn(), fetched: false };
  const present = fromFolder(import.meta.dirname) ?? fromFolder(options.home.driverDir);
  if (present !== null) return { driver: present, fetched: false };
  await fetchDriver(options);
  const fetched = fromFolder(options.home.driverDir);
  if (fetched === null) throw new ProblemError(problem('DRIVER_MISSING', `SQLite was fetched into ${options.home.driverDir} but does not load here; install Node 22.13 or newer, which has it built in.`));
  return { driver: fetched, fetched: true };
}

/** The driver without fetching anything, for programs that only read; null on Node 20 before the daemon ever ran. */
export function driverIfPresent(home: Home): SqliteDriver | null {
  return hasBuiltInSqlite(process.versions.node) ? builtIn() : (fromFolder(import.meta.dirname) ?? fromFolder(home.driverDir));
}

interface SqliteModule {
  DatabaseSync: new (path: string, options?: { readOnly?: boolean }) => Database;
}

function driverOf(name: string, module: SqliteModule): SqliteDriver {
  // The package tells an option given as undefined from one not given.
  return { name, open: (path, options) => (options?.readOnly === true ? new module.DatabaseSync(path, { readOnly: true }) : new module.DatabaseSync(path)) };
}

/** Node 22 and 23 warn that it is experimental. The interface used here is the one 24 kept; every other warning still shows. */
function builtIn(): SqliteDriver {
  const emit = process.emitWarning;
  process.emitWarning = (...given: unknown[]): void => {
    const [warning, detail] = given;
    const type = typeof detail === 'string' ? detail : (detail as { type?: string } | undefined)?.type;
    if (type === 'ExperimentalWarning' && String(warning).includes('SQLite')) return;
    Reflect.apply(emit, process, given);
  };
  try {
    return driverOf('node:sqlite', createRequire(import.meta.url)('node:sqlite') as SqliteModule);
  } finally {
    process.emitWarning = emit;
  }
}

/** Only the exact version: what else may lie in a `node_modules` above the plugin was not tested, nor checked. */
function fromFolder(folder: string): SqliteDriver | null {
  const require = createRequire(join(folder, 'driver.cjs'));
  try {
    const { version } = require(`${PACKAGE}/package.json`) as { version?: string };
    if (version !== VERSION) return null;
    return driverOf(`${PACKAGE} ${VERSION}`, require(PACKAGE) as SqliteModule);
  } catch {
    return null;
  }
}

async function fetchDriver(options: LoadOptions): Promise<void> {
  const { home, source, log, notice } = options;
  notice(`pag0: Node ${process.versions.node.split('.')[0]} has no SQLite built in; pag0 fetches ${PACKAGE} ${VERSION} from npm, once.`);
  const draft = `${home.driverDir}.${process.pid}`;
  try {
    clearOldDrafts(home);
    mkdirSync(draft, { recursive: true, mode: 0o700 });
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(source, file), join(draft, file));
    const began = Date.now();
    await npmCi(draft);
    moveIntoPlace(draft, home.driverDir);
    log.info('driver fetched', { package: PACKAGE, version: VERSION, ms: Date.now() - began });
    notice(`pag0: Node ${process.versions.node.split('.')[0]} has no SQLite built in; pag0 fetched ${PACKAGE} ${VERSION} from npm once, into ${home.driverDir}.`);
  } catch (error) {
    const found = fileProblem(error, home.dir);
    if (found === null || error instanceof ProblemError) throw error;
    throw new ProblemError(found, { cause: error });
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Left by a daemon that was killed while it fetched. */
function clearOldDrafts(home: Home): void {
  for (const name of readdirSync(home.dir)) {
    if (!/^driver\.\d+$/.test(name)) continue;
    const path = join(home.dir, name);
    if (Date.now() - statSync(path).mtimeMs > 2 * FETCH_LIMIT_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** A driver already in place is one that did not load (fetched for another machine or Node), so the new one takes over. */
function moveIntoPlace(draft: string, target: string): void {
  const old = `${draft}.old`;
  try {
    renameSync(target, old);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  renameSync(draft, target);
  rmSync(old, { recursive: true, force: true });
}

/**
 * No install script runs: the binaries are in the tarball, and the script would only look for a compiler. One retry, soon: somebody
 * waits for the sentence that says there is no network.
 */
const ARGUMENTS = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error', '--omit=dev', '--fetch-retries=1', '--fetch-retry-mintimeout=500', '--fetch-retry-maxtimeout=1000'];

async function npmCi(folder: string): Promise<void> {
  const npm = findNpm();
  if (npm === null) throw new ProblemError(driverMissing('npm was not found on this machine'));
  const child = spawn(npm.command, [...npm.args, ...ARGUMENTS], {
    cwd: folder,
    env: { ...process.env, ...fetchEnv() },
    stdio: ['ignore', 'ignore', 'pipe'],
    windowsHide: true,
  });
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (words.length < 8_000) words += text;
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), FETCH_LIMIT_MS);
  const end = await new Promise<number | Error | null>((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  clearTimeout(limit);
  if (end === 0) return;
  if (end instanceof Error) throw new ProblemError(driverMissing(`npm does not run (${end.message})`), { cause: end });
  if (/ENOSPC/.test(words)) throw new ProblemError(problem('DISK_FULL', `the disk that holds ${folder} is full; free some space, then start the session again.`));
  throw new ProblemError(driverMissing(end === null ? `npm did not finish in ${FETCH_LIMIT_MS / 1000} seconds` : `npm could not fetch it (${npmError(words)})`), { cause: new Error(words) });
}

function driverMissing(why: string) {
  const major = process.versions.node.split('.')[0];
  return problem('DRIVER_MISSING', `Node ${major} has no SQLite built in, and ${why}; install Node 22.13 or newer, or connect once and start the session again.`);
}

/** npm's own code (`ENOTFOUND`, `E404`, `EINTEGRITY`) says most in the fewest words. */
function npmError(words: string): string {
  return /^npm (?:error|ERR!) code (\S+)/m.exec(words)?.[1] ?? words.trim().split('\n')[0]?.slice(0, 120) ?? 'no reason given';
}

/** The npm that came with this Node first: run by this Node itself, it needs no shell and no PATH. */
export function findNpm(env: Record<string, string | undefined> = process.env, node = process.execPath): { command: string; args: string[] } | null {
  const besides = [join(dirname(node), '..', 'lib', 'node_modules'), join(dirname(node), 'node_modules'), join(dirname(node), '..', 'share', 'nodejs')];
  for (const folder of besides) {
    const script = join(folder, 'npm', 'bin', 'npm-cli.js');
    if (isFile(script)) return { command: node, args: [script] };
  }
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    const script = join(folder, process.platform === 'win32' ? 'node_modules/npm/bin/npm-cli.js' : 'npm');
    if (folder !== '' && isFile(script)) return process.platform === 'win32' ? { command: node, args: [script] } : { command: script, args: [] };
  }
  return null;
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Proxies and registry settings of the shell that started us; see `daemonEnv`. */
function fetchEnv(): Record<string, string> {
  try {
    return JSON.parse(process.env[FETCH_ENV] ?? '{}') as Record<string, string>;
  } catch {
    return {};
  }
}

/** The lock file is the promise that every machine gets the same bytes; `build --check` looks at it through this. */
export function lockProblem(source: string): string | null {
  const lock = JSON.parse(readFileSync(join(source, 'package-lock.json'), 'utf8')) as { packages: Record<string, { version?: string; integrity?: string; resolved?: string }> };
  const entries = Object.entries(lock.packages).filter(([path]) => path !== '');
  if (lock.packages[`node_modules/${PACKAGE}`]?.version !== VERSION) return `the lock file does not name ${PACKAGE} ${VERSION}`;
  const loose = entries.find(([, entry]) => entry.integrity === undefined || entry.resolved !== undefined);
  return loose === undefined ? null : `${loose[0]} must have an integrity hash and no registry address`;
}
