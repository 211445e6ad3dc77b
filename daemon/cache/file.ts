import { chmodSync, closeSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { Pag0Error } from '../core/errors.ts';
import type { Database } from '../ledger/database.ts';
import type { Clock } from '../ports.ts';
import { BrokenCache, prepareSchema } from './schema.ts';
import { answerTable, type AnswerTable } from './table.ts';

/** The part of the daemon's log that the cache writes to. */
export interface CacheLog {
  info(text: string, fields?: Record<string, string | number>): void;
  warn(text: string, fields?: Record<string, string | number>): void;
  error(text: string, error?: unknown, fields?: Record<string, string | number>): void;
}

export interface CacheFile {
  /** Work on the table. Throws `CACHE_UNAVAILABLE` when the store cannot do it. */
  use<T>(work: (table: AnswerTable) => T): T;
  close(): void;
}

/** How often, in ms, it is looked whether the file is still the one that was opened, and a lost one is tried again. */
const LOOK_EVERY = 250;

/**
 * The database file and what can happen to it while the daemon runs:
 *
 * - it was deleted or replaced: what is there now is opened, a new one if need be, and what the old one held is gone;
 * - another process holds it: the work in hand fails after a short wait, the next may succeed;
 * - it is broken: the work in hand fails, the file is set aside under `<file>.broken`, and the next starts with an empty one.
 *   Its answers have cost money, so it is kept for whoever wants to look; a later broken one takes its place;
 * - the disk is full, or the work asks for what the database does not allow: the work in hand fails, the connection stays;
 * - anything else (the disk fails, the folder is gone): it is closed, and after a while opened again for later work.
 */
export function cacheFile(file: string, open: (path: string) => Database, log: CacheLog, clock: Clock): CacheFile {
  let opened: { database: Database; table: AnswerTable; identity: string | null } | null = null;
  let looked = Number.NEGATIVE_INFINITY;
  let pause = LOOK_EVERY;
  let failure: unknown = null;

  function connect(): void {
    // Made by us, so that nobody else may read it, even where the folder's mode was loosened.
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    const database = open(file);
    try {
      prepareSchema(database);
      opened = { database, table: answerTable(database), identity: identityOf(file) };
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /**
   * The driver of Node 20 ends a connection only when its statements are collected as garbage, and its end removes the
   * write-ahead log by name, which would be the next connection's by then. So statements of lost connections stay.
   */
  const lost: AnswerTable[] = [];

  function disconnect(): void {
    if (opened === null) return;
    const { database, table } = opened;
    opened = null;
    lost.push(table);
    try {
      database.close();
    } catch {
      // It is being given up; whatever else is wrong with it no longer matters.
    }
  }

  function setAside(why: unknown): void {
    disconnect();
    const aside = `${file}.broken`;
    for (const suffix of ['', '-wal']) {
      rmSync(aside + suffix, { force: true });
      if (identityOf(file + suffix) !== null) renameSync(file + suffix, aside + suffix);
    }
    rmSync(`${file}-shm`, { force: true });
    // An empty one will do: whoever comes next need not wait for the look that is due.
    looked = Number.NEGATIVE_INFINITY;
    log.error('the cache cannot be read and starts anew; what it held may have to be bought again', why, { file, setAside: aside });
  }

  /** Each lost connection may hold its file descriptors for good (see `lost`), so there are ever fewer of them. */
  function giveUp(): void {
    disconnect();
    looked = clock();
    pause = LOOK_EVERY * 2 ** Math.min(lost.length - 1, 8);
  }

  function reconnect(): void {
    try {
      try {
        connect();
      } catch (error) {
        if (!isBroken(error)) throw error;
        setAside(error);
        connect();
      }
      failure = null;
    } catch (error) {
      if (failure === null) log.error('the cache cannot be opened', error, { file });
      failure = error;
    }
  }

  function look(): void {
    const now = clock();
    if (now - looked < pause && now >= looked) return;
    looked = now;
    pause = LOOK_EVERY;
    if (opened !== null && identityOf(file) !== opened.identity) {
      log.warn('the cache file was deleted or replaced, and is opened anew', { file });
      disconnect();
      // What is left of the one that was deleted.
      if (identityOf(file) === null) for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
    }
    if (opened === null) reconnect();
  }

  look();
  return {
    use(work) {
      look();
      if (opened === null) throw unavailable(failure);
      try {
        return work(opened.table);
      } catch (error) {
        if (isBroken(error)) setAside(error);
        else if (!isOfTheWork(error)) giveUp();
        throw unavailable(error);
      }
    },
    close: disconnect,
  };
}

function unavailable(cause: unknown): Pag0Error {
  return new Pag0Error('CACHE_UNAVAILABLE', `the cache cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_TOOBIG = 18;
const SQLITE_CONSTRAINT = 19;
const SQLITE_NOTADB = 26;

/** SQLite's primary result code; the extended ones add to it above the first byte. */
function resultOf(error: unknown): number {
  return ((error as { errcode?: number } | null)?.errcode ?? 0) & 0xff;
}

/** The connection is as good as another would be. */
function isOfTheWork(error: unknown): boolean {
  return [SQLITE_BUSY, SQLITE_LOCKED, SQLITE_FULL, SQLITE_TOOBIG, SQLITE_CONSTRAINT].includes(resultOf(error));
}

/** SyntaxError: what should be JSON is not, so the row was written by nobody. */
function isBroken(error: unknown): boolean {
  return [SQLITE_CORRUPT, SQLITE_NOTADB].includes(resultOf(error)) || error instanceof BrokenCache || error instanceof SyntaxError;
}

function identityOf(path: string): string | null {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? null : `${stat.dev}:${stat.ino}`;
}
