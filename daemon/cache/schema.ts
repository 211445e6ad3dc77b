import type { Database } from '../ledger/database.ts';

/**
 * `answers` is small and changes with every use; the bodies lie apart, because SQLite writes a row as a whole. `total` is kept
 * by triggers, so that nobody has to add up sizes, and stays right when two processes share the file. Rows with status 0 are
 * signposts (`entry.ts`).
 */
const SCHEMA_VERSION = 1;

const DDL = `
CREATE TABLE answers (
  no INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, resource TEXT NOT NULL, status INTEGER NOT NULL, expires INTEGER NOT NULL,
  used INTEGER NOT NULL, hits INTEGER NOT NULL, size INTEGER NOT NULL, facts TEXT NOT NULL);
CREATE INDEX answers_resource ON answers (resource);
CREATE INDEX answers_expires ON answers (expires);
CREATE INDEX answers_used ON answers (used);
CREATE TABLE bodies (no INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE total (one INTEGER PRIMARY KEY CHECK (one = 1), bytes INTEGER NOT NULL, answers INTEGER NOT NULL);
INSERT INTO total VALUES (1, 0, 0);
CREATE TRIGGER answers_added AFTER INSERT ON answers BEGIN
  UPDATE total SET bytes = bytes + NEW.size, answers = answers + (NEW.status > 0);
END;
CREATE TRIGGER answers_gone AFTER DELETE ON answers BEGIN
  UPDATE total SET bytes = bytes - OLD.size, answers = answers - (OLD.status > 0);
  DELETE FROM bodies WHERE no = OLD.no;
END;
`;

/** Nothing can be done with the file: another version of pag0 wrote it, or what is in it does not fit together. */
export class BrokenCache extends Error {}

/** How long, in ms, another process may keep us waiting: the daemon does nothing else in the meantime. */
const BUSY_MS = 200;

/** WAL with synchronous=NORMAL: a power cut may forget the last answers, which can be bought again; it never breaks the file. */
export function prepareSchema(database: Database): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
  database.exec('PRAGMA auto_vacuum = INCREMENTAL');
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = NORMAL');
  database.exec('PRAGMA cache_size = -8192');
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version !== 0 && version !== SCHEMA_VERSION) throw new BrokenCache(`it has schema ${version}, and this pag0 knows ${SCHEMA_VERSION}`);
    if (version === 0) {
      database.exec(DDL);
      database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    }
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
