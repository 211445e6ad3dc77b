import type { FirstPayment } from '../core/payment-choice.ts';
import type { Database } from './database.ts';

/**
 * What each endpoint is held to: what it took at its first posted payment, or at the last one a person agreed to. It follows
 * from the cheques and their ends, and is kept so that nobody has to go through all that was ever paid.
 */
export const TERMS_DDL = `
CREATE TABLE terms (endpoint TEXT PRIMARY KEY, amount INTEGER NOT NULL, payee TEXT NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO terms SELECT entries.endpoint, cheques.amount, payee
  FROM cheque_ends JOIN cheques ON cheques.call = cheque_ends.call JOIN entries ON entries.call = cheques.call
  WHERE ending = 'post' ORDER BY cheque_ends.at, entries.no;
`;

export interface Terms {
  /** With the post of a call's reservation; a call without a cheque sets none. */
  posted(call: string): void;
  of(endpoint: string): FirstPayment | null;
}

export function createTerms(database: Database): Terms {
  const take = database.prepare(
    `INSERT INTO terms SELECT entries.endpoint, cheques.amount, payee FROM cheques JOIN entries ON entries.call = cheques.call WHERE cheques.call = ?1
     ON CONFLICT DO UPDATE SET amount = excluded.amount, payee = excluded.payee WHERE (SELECT agreed FROM cheques WHERE call = ?1) = 1`,
  );
  const select = database.prepare('SELECT amount, payee FROM terms WHERE endpoint = ?');
  select.setReadBigInts(true);
  return {
    posted: (call) => void take.run(call),
    of(endpoint) {
      const row = select.get(endpoint);
      return row === undefined ? null : { amount: row['amount'] as bigint, payTo: row['payee'] as string };
    },
  };
}
