import type { Cheque, JournalFilter, Receipt } from '../ports.ts';
import type { Database, Row, Value } from './database.ts';
import { originWhere } from './totals.ts';

/**
 * Signed payments and what became of them. A row is written before its signature leaves the machine and never changed;
 * the end of its reservation is another row.
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

export interface Cheques {
  /** False when the call has a cheque already. */
  write(cheque: Cheque): boolean;
  /** With the reservation; a call without a cheque is none of ours. */
  end(call: string, at: number, ending: 'post' | 'void', proof: string | null): void;
  uncashed(): Cheque[];
  receipts(filter: JournalFilter, limit: number): Receipt[];
}

export function createCheques(database: Database): Cheques {
  const insert = database.prepare('INSERT INTO cheques VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
  const insertEnd = database.prepare('INSERT INTO cheque_ends SELECT call, ?, ?, ? FROM cheques WHERE call = ? ON CONFLICT DO NOTHING');
  const all = (sql: string, ...values: Value[]): Row[] => {
    const statement = database.prepare(sql);
    statement.setReadBigInts(true);
    return statement.all(...values);
  };
  return {
    write: ({ key, at, network, asset, from, payTo, amount, nonce, validBefore, resource }) => Number(insert.run(key, at, network, asset, from, payTo, amount, nonce, validBefore, resource).changes) === 1,
    end: (call, at, ending, proof) => void insertEnd.run(at, ending, proof, call),
    uncashed: () => all('SELECT cheques.* FROM open JOIN entries ON entries.no = open.reservation JOIN cheques ON cheques.call = entries.call ORDER BY cheques.at').map(chequeOf),
    receipts(filter, limit) {
      const { where, values } = 'since' in filter ? { where: 'cheques.at >= ? AND cheques.at < ?', values: [filter.since, filter.until] } : originWhere(filter);
      return all(
        `SELECT cheques.*, session, agent, run, project, entries.tool, entries.endpoint, ending, proof, held FROM cheques
         JOIN entries ON entries.call = cheques.call JOIN origins ON origins.no = entries.origin
         LEFT JOIN cheque_ends ON cheque_ends.call = cheques.call LEFT JOIN open ON open.reservation = entries.no
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
  };
}
