import type { Cheque, JournalFilter, Receipt } from '../ports.ts';
import type { Database, Row, Value } from './database.ts';
import { originWhere } from './totals.ts';

/**
 * Signed payments and what became of them. A row is written before its signature leaves the machine and never changed;
 * the end of its reservation is another row, and the coming of what it bought a third.
 */
export const CHEQUES_DDL = `
CREATE TABLE cheques (
  call TEXT PRIMARY KEY, at INTEGER NOT NULL, network TEXT NOT NULL, asset TEXT NOT NULL, payer TEXT NOT NULL, payee TEXT NOT NULL, amount INTEGER NOT NULL,
  nonce TEXT NOT NULL, valid_before INTEGER NOT NULL, resource TEXT, UNIQUE (network, asset, payer, nonce)) WITHOUT ROWID;
CREATE INDEX cheques_at ON cheques (at);
CREATE TABLE cheque_ends (call TEXT PRIMARY KEY, at INTEGER NOT NULL, ending TEXT NOT NULL, proof TEXT) WITHOUT ROWID;
CREATE TRIGGER cheques_append_only BEFORE UPDATE ON cheques BEGIN SELECT RAISE(ABORT, 'the book is append-only'); END;
CREATE TRIGGER cheques_no_delete BEFORE DELETE ON cheques BEGIN SELECT RAISE(ABORT, 'the book is append-only'); END;
CREATE TRIGGER cheque_ends_append_only BEFORE UPDATE ON cheque_ends BEGIN SELECT RAISE(ABORT, 'the book is append-only'); END;
CREATE TRIGGER cheque_ends_no_delete BEFORE DELETE ON cheque_ends BEGIN SELECT RAISE(ABORT, 'the book is append-only'); END;
`;

/** Cheques from before have a digest that no request has: what they were for is not known any more. */
export const ANSWERS_DDL = `
ALTER TABLE cheques ADD COLUMN request TEXT NOT NULL DEFAULT '';
ALTER TABLE cheques ADD COLUMN agreed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX cheques_request ON cheques (request, at);
CREATE TABLE cheque_answers (call TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER cheque_answers_append_only BEFORE UPDATE ON cheque_answers BEGIN SELECT RAISE(ABORT, 'the book is append-only'); END;
CREATE TRIGGER cheque_answers_no_delete BEFORE DELETE ON cheque_answers BEGIN SELECT RAISE(ABORT, 'the book is append-only'); END;
`;

export interface Cheques {
  /** False when the call has a cheque already. */
  write(cheque: Cheque): boolean;
  has(call: string): boolean;
  /** With the reservation; a call without a cheque is none of ours. */
  end(call: string, at: number, ending: 'post' | 'void', proof: string | null): void;
  /** What it bought has come. */
  answer(call: string, at: number): void;
  uncashed(): Cheque[];
  lost(request: string): { cheque: Cheque; posted: boolean } | null;
  receipts(filter: JournalFilter, limit: number): Receipt[];
}

export function createCheques(database: Database): Cheques {
  const insert = database.prepare(
    `INSERT INTO cheques (call, at, network, asset, payer, payee, amount, nonce, valid_before, resource, request, agreed)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const find = database.prepare('SELECT 1 FROM cheques WHERE call = ?');
  const insertEnd = database.prepare('INSERT INTO cheque_ends SELECT call, ?, ?, ? FROM cheques WHERE call = ? ON CONFLICT DO NOTHING');
  const insertAnswer = database.prepare('INSERT INTO cheque_answers SELECT call, ? FROM cheques WHERE call = ? ON CONFLICT DO NOTHING');
  // A void one bought nothing, so the one before it decides.
  const newest = database.prepare(
    `SELECT cheques.*, ending, cheque_answers.call IS NOT NULL AS answered FROM cheques JOIN entries ON entries.call = cheques.call
     LEFT JOIN cheque_ends ON cheque_ends.call = cheques.call LEFT JOIN cheque_answers ON cheque_answers.call = cheques.call
     WHERE request = ? AND ending IS NOT 'void' ORDER BY cheques.at DESC, entries.no DESC LIMIT 1`,
  );
  newest.setReadBigInts(true);
  // One that waits for proof counts whatever the clock said when it was written.
  const waiting = database.prepare(
    `SELECT cheques.* FROM open CROSS JOIN entries ON entries.no = open.reservation CROSS JOIN cheques ON cheques.call = entries.call
     LEFT JOIN cheque_answers ON cheque_answers.call = cheques.call WHERE request = ? AND cheque_answers.call IS NULL LIMIT 1`,
  );
  waiting.setReadBigInts(true);
  const all = (sql: string, ...values: Value[]): Row[] => {
    const statement = database.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all(...values);
  };
  return {
    write({ key, at, network, asset, from, payTo, amount, nonce, validBefore, resource, request, agreed }) {
      return Number(insert.run(key, at, network, asset, from, payTo, amount, nonce, validBefore, resource, request, agreed ? 1 : 0).changes) === 1;
    },
    has: (call) => find.get(call) !== undefined,
    end: (call, at, ending, proof) => void insertEnd.run(at, ending, proof, call),
    answer: (call, at) => void insertAnswer.run(at, call),
    // CROSS JOIN: from `open` outwards. Left to itself SQLite goes through all cheques there ever were, for the sake of their order.
    uncashed: () => all('SELECT cheques.* FROM open CROSS JOIN entries ON entries.no = open.reservation CROSS JOIN cheques ON cheques.call = entries.call ORDER BY cheques.at').map(chequeOf),
    lost(request) {
      const open = waiting.get(request);
      if (open !== undefined) return { cheque: chequeOf(open), posted: false };
      const row = newest.get(request);
      return row === undefined || row['answered'] === 1n ? null : { cheque: chequeOf(row), posted: row['ending'] === 'post' };
    },
    receipts(filter, limit) {
      const { where, values } = 'since' in filter ? { where: 'cheques.at >= ? AND cheques.at < ?', values: [filter.since, filter.until] } : originWhere(filter);
      return all(
        `SELECT cheques.*, session, agent, run, project, entries.tool, entries.endpoint, ending, proof, held, cheque_answers.call IS NOT NULL AS answered FROM cheques
         JOIN entries ON entries.call = cheques.call JOIN origins ON origins.no = entries.origin
         LEFT JOIN cheque_ends ON cheque_ends.call = cheques.call LEFT JOIN cheque_answers ON cheque_answers.call = cheques.call
         LEFT JOIN open ON open.reservation = entries.no
         WHERE ${where} ORDER BY cheques.at DESC, entries.no DESC LIMIT ?`,
        ...values,
        limit,
      ).map(receiptOf);
    },
  };
}

function chequeOf(row: Row): Cheque {
  return {
    key: row['call'] as string,
    at: Number(row['at']),
    network: row['network'] as string,
    asset: row['asset'] as string,
    from: row['payer'] as string,
    payTo: row['payee'] as string,
    amount: row['amount'] as bigint,
    nonce: row['nonce'] as string,
    validBefore: Number(row['valid_before']),
    resource: row['resource'] as string | null,
    request: row['request'] as string,
    agreed: row['agreed'] === 1n,
  };
}

function receiptOf(row: Row): Receipt {
  const ending = row['ending'] as 'post' | 'void' | null;
  return {
    ...chequeOf(row),
    origin: { session: row['session'] as string, agent: row['agent'] as string, run: row['run'] as string, project: row['project'] as string },
    tool: row['tool'] as string,
    endpoint: row['endpoint'] as string,
    state: ending === 'post' ? 'posted' : ending === 'void' ? 'void' : row['held'] === 1n ? 'held' : 'open',
    proof: row['proof'] as string | null,
    answered: row['answered'] === 1n,
  };
}
