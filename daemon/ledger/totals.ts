import type { JournalFilter, JournalSum, Line, MoneyKind } from '../ports.ts';
import type { Database, Value } from './database.ts';

/**
 * What a report adds up, added up as it happens: per origin, tool and endpoint, in slots of a quarter of an hour, because
 * every time zone's days begin on one. A report of a million calls reads as many rows as there were places and slots.
 */
export const SLOT_MS = 15 * 60_000;

export const slotOf = (at: number): number => Math.floor(at / SLOT_MS);

export interface Totals {
  add(origin: number | bigint, at: number, what: JournalSum['what'], code: string | null, kind: MoneyKind, line: Line): void;
  write(): void;
  forget(): void;
  read(filter: JournalFilter): JournalSum[];
}

interface Delta {
  key: readonly Value[];
  amount: bigint;
  requests: number;
}

export function createTotals(database: Database): Totals {
  const upsert = database.prepare(
    'INSERT INTO totals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount, requests = requests + excluded.requests',
  );
  const deltas = new Map<string, Delta>();
  return {
    add(origin, at, what, code, kind, line) {
      const slot = slotOf(at);
      // A space cannot stand in an endpoint or a tool's name, so parts cannot run into each other.
      const name = `${origin} ${slot} ${line.tool} ${line.endpoint} ${what} ${code ?? ''} ${kind}`;
      const known = deltas.get(name);
      if (known === undefined) deltas.set(name, { key: [origin, slot, line.tool, line.endpoint, what, code ?? '', kind], amount: line.amount, requests: line.requests });
      else {
        known.amount += line.amount;
        known.requests += line.requests;
      }
    },
    write() {
      for (const { key, amount, requests } of deltas.values()) upsert.run(...key, amount, requests);
      deltas.clear();
    },
    forget: () => deltas.clear(),
    read(filter) {
      const { where, values } = whereOf(filter);
      const statement = database.prepare(
        `SELECT session, agent, tool, endpoint, what, code, kind, SUM(amount) AS amount, SUM(requests) AS requests
         FROM totals JOIN origins ON origins.no = totals.origin WHERE ${where} GROUP BY session, agent, tool, endpoint, what, code, kind`,
      );
      statement.setReadBigInts(true);
      return statement.all(...values).map((row) => ({
        session: row['session'] as string,
        agent: row['agent'] as string,
        tool: row['tool'] as string,
        endpoint: row['endpoint'] as string,
        what: row['what'] as JournalSum['what'],
        code: row['code'] === '' ? null : (row['code'] as string),
        kind: row['kind'] as MoneyKind,
        amount: row['amount'] as bigint,
        requests: Number(row['requests']),
      }));
    },
  };
}

function whereOf(filter: JournalFilter): { where: string; values: Value[] } {
  if ('since' in filter) return { where: 'slot >= ? AND slot < ?', values: [slotOf(filter.since), slotOf(filter.until)] };
  return originWhere(filter);
}

/** The part of a filter that looks at who, not at when. */
export function originWhere(filter: Exclude<JournalFilter, { since: number }>): { where: string; values: Value[] } {
  if ('session' in filter) return { where: 'session = ?', values: [filter.session] };
  if ('run' in filter) return { where: 'run = ?', values: [filter.run] };
  if ('project' in filter) return { where: 'project = ?', values: [filter.project] };
  return { where: '1', values: [] };
}
