import type { Database, Row, Value } from '../ledger/database.ts';
import type { AnswerFacts, Entry, ListedRow } from './entry.ts';
import { BrokenCache } from './schema.ts';

/** What SQLite does for the cache. Every statement goes by an index; none takes longer because more is kept. */
export interface AnswerTable {
  get(key: string, now: number): Entry | undefined;
  put(key: string, entry: Entry, expires: number, now: number, maxBytes: number): void;
  delete(key: string): boolean;
  deleteResource(resource: string): number;
  /** At most `limit` of those that are past their time, and says how many it found. */
  purge(now: number, limit: number): number;
  /** Answers used since the last time, with how often. */
  touch(uses: ReadonlyMap<string, { at: number; hits: number }>): void;
  /** Newest first, from below `before`; the last row's number continues the list. */
  page(before: number | null, limit: number): { rows: ListedRow[]; last: number | null };
  /** At most two whose keys begin so. */
  startingWith(prefix: string): { row: ListedRow; body: Buffer }[];
  total(): { bytes: number; answers: number };
  /** Gives the disk back what was deleted. */
  shrink(): void;
}

/** What a row takes besides its texts, roughly: its share of four indexes. */
const ROW_BYTES = 400;

export function answerTable(database: Database): AnswerTable {
  const select = database.prepare('SELECT a.status, a.resource, a.facts, b.body FROM answers a LEFT JOIN bodies b ON b.no = a.no WHERE a.key = ? AND a.expires > ?');
  const insert = database.prepare('INSERT INTO answers (key, resource, status, expires, used, hits, size, facts) VALUES (?, ?, ?, ?, ?, 0, ?, ?)');
  // `Value` leaves out the bytes that SQLite also takes; the ledger has none.
  const insertBody: { run(no: Value, body: Uint8Array): unknown } = database.prepare('INSERT INTO bodies (no, body) VALUES (?, ?)') as never;
  const remove = database.prepare('DELETE FROM answers WHERE key = ?');
  const removeResource = database.prepare('DELETE FROM answers WHERE resource = ?');
  const removeOldest = database.prepare('DELETE FROM answers WHERE no = (SELECT no FROM answers ORDER BY used LIMIT 1)');
  const removeExpired = database.prepare('DELETE FROM answers WHERE no IN (SELECT no FROM answers WHERE expires <= ? ORDER BY expires LIMIT ?)');
  const use = database.prepare('UPDATE answers SET used = max(used, ?), hits = hits + ? WHERE key = ?');
  const selectPage = database.prepare('SELECT no, key, facts, size, used, hits, status FROM answers WHERE no < ? ORDER BY no DESC LIMIT ?');
  const selectPrefix = database.prepare(
    'SELECT a.key, a.facts, a.size, a.used, a.hits, b.body FROM answers a JOIN bodies b ON b.no = a.no WHERE a.key >= ? AND a.key < ? AND a.status > 0 LIMIT 2',
  );
  const selectTotal = database.prepare('SELECT bytes, answers FROM total');
  const total = (): { bytes: number; answers: number } => {
    const row = selectTotal.get();
    return { bytes: Number(row?.['bytes'] ?? 0), answers: Number(row?.['answers'] ?? 0) };
  };

  function inTransaction<T>(work: () => T): T {
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      try {
        database.exec('ROLLBACK');
      } catch {
        // What went wrong has ended the transaction already.
      }
      throw error;
    }
  }

  return {
    get(key, now) {
      const row = select.get(key, now);
      return row === undefined ? undefined : entryOf(row);
    },
    put(key, entry, expires, now, maxBytes) {
      const answer = entry.kind === 'answer';
      const facts = JSON.stringify(answer ? entry.facts : entry.varies);
      const size = (answer ? entry.body.length : 0) + facts.length + ROW_BYTES;
      inTransaction(() => {
        remove.run(key);
        const { lastInsertRowid } = insert.run(key, entry.resource, answer ? entry.facts.status : 0, expires, now, size, facts);
        if (answer) insertBody.run(lastInsertRowid, entry.body);
        while (total().bytes > maxBytes && removeOldest.run().changes !== 0);
      });
    },
    delete: (key) => Number(remove.run(key).changes) > 0,
    deleteResource: (resource) => Number(removeResource.run(resource).changes),
    purge: (now, limit) => Number(removeExpired.run(now, limit).changes),
    touch(uses) {
      if (uses.size === 0) return;
      inTransaction(() => uses.forEach(({ at, hits }, key) => use.run(at, hits, key)));
    },
    page(before, limit) {
      const rows = selectPage.all(before ?? Number.MAX_SAFE_INTEGER, limit);
      return { rows: rows.filter((row) => Number(row['status']) > 0).map(listed), last: rows.length < limit ? null : Number(rows.at(-1)!['no']) };
    },
    startingWith: (prefix) => selectPrefix.all(prefix, `${prefix}g`).map((row) => ({ row: listed(row), body: bytesOf(row['body']) })),
    total,
    shrink: () => database.exec('PRAGMA incremental_vacuum'),
  };
}

function entryOf(row: Row): Entry {
  const resource = String(row['resource']);
  if (Number(row['status']) === 0) return { kind: 'signpost', varies: JSON.parse(String(row['facts'])) as string[][], resource };
  return { kind: 'answer', facts: factsOf(row), body: bytesOf(row['body']), resource };
}

function listed(row: Row): ListedRow {
  const facts = factsOf(row);
  const size = Number(row['size']) - String(row['facts']).length - ROW_BYTES;
  return { key: String(row['key']), facts, size, usedAt: Number(row['used']), hits: Number(row['hits']) };
}

function factsOf(row: Row): AnswerFacts {
  return JSON.parse(String(row['facts'])) as AnswerFacts;
}

function bytesOf(value: unknown): Buffer {
  if (!(value instanceof Uint8Array)) throw new BrokenCache('an answer has lost its body');
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
