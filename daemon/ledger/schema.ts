import { ANSWERS_DDL, CHEQUES_DDL } from './cheques.ts';
import type { Database } from './database.ts';
import { TERMS_DDL } from './terms.ts';

/**
 * `entries` is the book: rows are only ever added. `balances`, `open` and `totals` follow from it and are kept so that
 * neither a decision nor a report has to add up history; the ledger's suite proves that they equal the fold of the book.
 * Amounts are µ$. Rows name their origin by number, so that a year of calls stays small. A reservation's entries, a line
 * each, follow one another, and it is known by the number of the first: `open` adds what the book does not say.
 */
const BOOK_DDL = `
CREATE TABLE origins (
  no INTEGER PRIMARY KEY, session TEXT NOT NULL, agent TEXT NOT NULL, run TEXT NOT NULL, project TEXT NOT NULL,
  UNIQUE (session, agent));
CREATE INDEX origins_run ON origins (run);
CREATE INDEX origins_project ON origins (project);
CREATE TABLE entries (
  no INTEGER PRIMARY KEY, at INTEGER NOT NULL, what TEXT NOT NULL, origin INTEGER NOT NULL, call TEXT, reservation INTEGER,
  tool TEXT NOT NULL, endpoint TEXT NOT NULL, amount INTEGER NOT NULL, requests INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT);
CREATE UNIQUE INDEX entries_call ON entries (call) WHERE call IS NOT NULL;
CREATE TABLE totals (
  origin INTEGER NOT NULL, slot INTEGER NOT NULL, tool TEXT NOT NULL, endpoint TEXT NOT NULL, what TEXT NOT NULL, code TEXT NOT NULL, kind TEXT NOT NULL,
  amount INTEGER NOT NULL, requests INTEGER NOT NULL, PRIMARY KEY (origin, slot, tool, endpoint, what, code, kind)) WITHOUT ROWID;
CREATE INDEX totals_slot ON totals (slot);
CREATE TABLE scope_sets (no INTEGER PRIMARY KEY, keys TEXT NOT NULL UNIQUE);
CREATE TABLE open (reservation INTEGER PRIMARY KEY, lines INTEGER NOT NULL, scope_set INTEGER NOT NULL, held INTEGER NOT NULL);
CREATE TABLE balances (
  scope TEXT PRIMARY KEY, posted INTEGER NOT NULL, reserved INTEGER NOT NULL, held INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE marks (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (id TEXT PRIMARY KEY, started INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX sessions_started ON sessions (started);
CREATE TABLE agents (session TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (session, id)) WITHOUT ROWID;
CREATE TABLE directives (no INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, scope TEXT NOT NULL, amount INTEGER, author TEXT NOT NULL);
CREATE TRIGGER entries_append_only BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the book is append-only'); END;
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the book is append-only'); END;
`;

/** What each version added, in order. A new book goes the same way as an old one, so that there is one shape to be in. */
export const VERSIONS: readonly string[] = [BOOK_DDL, CHEQUES_DDL, ANSWERS_DDL + TERMS_DDL];

/**
 * WAL with synchronous=FULL: a commit has reached the disk before anybody is told of it, so that a power cut cannot
 * forget money that was promised. Batching keeps that affordable.
 */
export function prepareSchema(database: Database): void {
  database.exec('PRAGMA busy_timeout = 2000');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA cache_size = -8192');
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version > VERSIONS.length) throw new Error(`the ledger was written by a newer pag0 (schema ${version}, this one knows ${VERSIONS.length})`);
    for (const ddl of VERSIONS.slice(version)) database.exec(ddl);
    if (version < VERSIONS.length) database.exec(`PRAGMA user_version = ${VERSIONS.length}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
