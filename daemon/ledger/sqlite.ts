import { firstExceeded, settle, ZERO, type Balance, type Ending, type Scope } from '../core/transfer.ts';
import type { JournalFilter, JournalSum, Ledger, Line, MoneyKind, Note, OpenReservation, Origin, Reserve, Reserved, Roster } from '../ports.ts';
import { createBatch, type Batch } from './batch.ts';
import type { Database, Row } from './database.ts';
import { spread, total } from './lines.ts';
import { sqliteRoster } from './roster.ts';
import { prepareSchema } from './schema.ts';
import { createTotals, originWhere, SLOT_MS, slotOf, type Totals } from './totals.ts';

/** Balances remembered between batches; beyond it the oldest are read again when they are needed. */
const REMEMBERED_BALANCES = 20_000;
const REMEMBERED_ORIGINS = 20_000;

/**
 * The book and the roster in one SQLite file. Safe for several processes: every batch holds the write lock, and what
 * another process wrote is read again.
 */
export function sqliteBook(database: Database, onLost: (error: unknown) => void = () => {}): { ledger: Ledger; roster: Roster } {
  prepareSchema(database);
  const balances = balanceCache(database);
  const totals = createTotals(database);
  const batch = createBatch(database, {
    onStale() {
      balances.forget();
      totals.forget();
    },
    beforeCommit() {
      balances.write();
      totals.write();
    },
    onLost,
  });
  return { ledger: sqliteLedger(database, batch, balances, totals), roster: sqliteRoster(database, batch) };
}

interface BalanceCache {
  get(scope: string): Balance;
  set(scope: string, balance: Balance): void;
  write(): void;
  forget(): void;
}

/** Many calls of one batch touch the same few scopes: each is read once, and written once before the commit. */
function balanceCache(database: Database): BalanceCache {
  const select = bigints(database, 'SELECT posted, reserved, held FROM balances WHERE scope = ?');
  const upsert = database.prepare(
    'INSERT INTO balances VALUES (?, ?, ?, ?) ON CONFLICT (scope) DO UPDATE SET posted = excluded.posted, reserved = excluded.reserved, held = excluded.held',
  );
  const known = new Map<string, Balance>();
  const changed = new Set<string>();
  return {
    get(scope) {
      const remembered = known.get(scope);
      if (remembered !== undefined) return remembered;
      const row = select.get(scope);
      const balance = row === undefined ? ZERO : { posted: row['posted'] as bigint, reserved: row['reserved'] as bigint, held: row['held'] as bigint };
      known.set(scope, balance);
      return balance;
    },
    set(scope, balance) {
      known.set(scope, balance);
      changed.add(scope);
    },
    write() {
      for (const scope of changed) {
        const balance = known.get(scope)!;
        upsert.run(scope, balance.posted, balance.reserved, balance.held);
      }
      changed.clear();
      if (known.size > REMEMBERED_BALANCES) known.clear();
    },
    forget() {
      known.clear();
      changed.clear();
    },
  };
}

function bigints(database: Database, sql: string) {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  return statement;
}

function sqliteLedger(database: Database, batch: Batch, balances: BalanceCache, totals: Totals): Ledger {
  const findOpen = bigints(database, 'SELECT * FROM open WHERE call = ?');
  const findCall = database.prepare('SELECT 1 FROM entries WHERE call = ?');
  const insertCall = database.prepare(
    "INSERT INTO entries (at, what, origin, call, tool, endpoint, amount, requests, kind) VALUES (?, 'reserve', ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (call) WHERE call IS NOT NULL DO NOTHING",
  );
  const insertEntry = database.prepare(
    'INSERT INTO entries (at, what, origin, reservation, tool, endpoint, amount, requests, kind, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const insertOpen = database.prepare('INSERT INTO open VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?)');
  const deleteOpen = database.prepare('DELETE FROM open WHERE call = ?');
  const holdOpen = database.prepare('UPDATE open SET held = 1 WHERE call = ?');
  const sessionsWithOpen = database.prepare('SELECT DISTINCT session FROM origins WHERE no IN (SELECT DISTINCT origin FROM open)');
  const insertMark = database.prepare('INSERT OR IGNORE INTO marks VALUES (?, ?)');
  const originNo = originNumbers(database);

  function reserveNow(request: Reserve): Reserved {
    const amount = total(request.lines);
    const exceeded = firstExceeded(amount, request.scopes, balances.get);
    if (exceeded !== null) return findCall.get(request.key) === undefined ? { outcome: 'exceeded', exceeded } : duplicate(request.key);
    const origin = originNo(request.origin);
    const [first, ...rest] = request.lines;
    if (first === undefined) throw new Error('a reservation without a line');
    // The book's own rule that a call stands in it once is what finds a duplicate.
    const row = insertCall.run(request.at, origin, request.key, first.tool, first.endpoint, first.amount, first.requests, request.kind);
    if (Number(row.changes) === 0) return duplicate(request.key);
    const reservation = row.lastInsertRowid;
    for (const line of rest) insertEntry.run(request.at, 'reserve', origin, reservation, line.tool, line.endpoint, line.amount, line.requests, request.kind, null);
    for (const scope of request.scopes) {
      const balance = balances.get(scope.key);
      balances.set(scope.key, { ...balance, reserved: balance.reserved + amount });
    }
    insertOpen.run(request.key, reservation, origin, request.at, amount, request.kind, writeLines(request.lines), keysOf(request.scopes));
    return { outcome: 'reserved' };
  }

  function duplicate(key: string): Reserved {
    return { outcome: 'duplicate', ended: findOpen.get(key) === undefined };
  }

  function endNow(key: string, at: number, ending: Ending, detail: string | null, actual?: bigint): boolean {
    const row = findOpen.get(key);
    if (row === undefined) return false;
    const held = row['held'] === 1n;
    if (held && ending === 'hold') return false;
    const reserved = row['amount'] as bigint;
    for (const scope of JSON.parse(row['scopes'] as string) as string[]) {
      const balance = balances.get(scope);
      const from = held ? { ...balance, held: balance.held - reserved, reserved: balance.reserved + reserved } : balance;
      balances.set(scope, settle(from, reserved, ending, actual ?? reserved));
    }
    const lines = readLines(row['lines'] as string);
    const origin = row['origin'] as bigint;
    const kind = row['kind'] as MoneyKind;
    for (const line of ending === 'post' ? spread(lines, actual) : lines) {
      insertEntry.run(at, ending, origin, row['reservation'] as bigint, line.tool, line.endpoint, line.amount, line.requests, kind, detail);
      if (ending === 'post') totals.add(origin, at, 'posted', null, kind, line);
    }
    if (ending === 'hold') holdOpen.run(key);
    else deleteOpen.run(key);
    return true;
  }

  function noteNow(note: Note): void {
    const origin = originNo(note.origin);
    insertEntry.run(note.at, note.what, origin, null, note.tool, note.endpoint, 0, note.requests, 'billed', note.code ?? null);
    totals.add(origin, note.at, note.what, note.code ?? null, 'billed', { tool: note.tool, endpoint: note.endpoint, amount: 0n, requests: note.requests });
  }

  return {
    reserve: (request) => batch.run(() => reserveNow(request)),
    post: (key, at, actual) => batch.run(() => endNow(key, at, 'post', null, actual)),
    void: (key, at, reason) => batch.run(() => endNow(key, at, 'void', reason)),
    hold: (key, at, reason) => batch.run(() => endNow(key, at, 'hold', reason)),
    note: (note) => batch.behind(() => noteNow(note)),
    balances: (keys) => batch.run(() => keys.map(balances.get)),
    mark: (name, at) => batch.run(() => Number(insertMark.run(name, at).changes) === 1),
    open: (filter) => batch.run(() => selectOpen(database, filter)),
    openSessions: () => batch.run(() => sessionsWithOpen.all().map((row) => row['session'] as string)),
    sums: (filter) => batch.run(() => {
      // What this batch has added so far belongs to the answer.
      totals.write();
      return [...totals.read(filter), ...sumHeld(database, filter)];
    }),
    async close() {
      batch.flush();
      database.close();
    },
  };
}

/** Sessions and agents by number; a row of the book names a small integer. */
function originNumbers(database: Database): (origin: Origin) => number | bigint {
  const find = database.prepare('SELECT no FROM origins WHERE session = ? AND agent = ?');
  const insert = database.prepare('INSERT INTO origins (session, agent, run, project) VALUES (?, ?, ?, ?)');
  // Only numbers read from the file are remembered: an insert may still be rolled back.
  const known = new Map<string, number>();
  return (origin) => {
    const name = `${origin.session}\n${origin.agent}`;
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    const row = find.get(origin.session, origin.agent);
    if (row === undefined) return insert.run(origin.session, origin.agent, origin.run, origin.project).lastInsertRowid;
    if (known.size > REMEMBERED_ORIGINS) known.clear();
    known.set(name, row['no'] as number);
    return row['no'] as number;
  };
}

function selectOpen(database: Database, filter: { session: string; agent?: string }): OpenReservation[] {
  const rows = bigints(
    database,
    'SELECT open.*, session, agent, run, project FROM open JOIN origins ON origins.no = open.origin WHERE session = ?1 AND (?2 IS NULL OR agent = ?2) ORDER BY reservation',
  ).all(filter.session, filter.agent ?? null);
  return rows.map((row) => ({
    key: row['call'] as string,
    origin: originOf(row),
    amount: row['amount'] as bigint,
    scopes: JSON.parse(row['scopes'] as string) as string[],
    held: row['held'] === 1n,
    at: Number(row['at']),
  }));
}

/** Held money is in no total: it is not known to be spent, and may yet be void. */
function sumHeld(database: Database, filter: JournalFilter): JournalSum[] {
  const { where, values } = 'since' in filter ? { where: 'open.at >= ? AND open.at < ?', values: [slotOf(filter.since) * SLOT_MS, slotOf(filter.until) * SLOT_MS] } : originWhere(filter);
  const rows = database.prepare(`SELECT session, agent, kind, lines FROM open JOIN origins ON origins.no = open.origin WHERE held = 1 AND ${where}`).all(...values);
  return rows.flatMap((row) =>
    readLines(row['lines'] as string).map((line) => ({
      ...line,
      session: row['session'] as string,
      agent: row['agent'] as string,
      what: 'held' as const,
      code: null,
      kind: row['kind'] as MoneyKind,
    })),
  );
}

function originOf(row: Row): Origin {
  return { session: row['session'] as string, agent: row['agent'] as string, run: row['run'] as string, project: row['project'] as string };
}

/** One agent's calls come with the same scopes again and again. */
const scopeKeys = new WeakMap<readonly Scope[], string>();

function keysOf(scopes: readonly Scope[]): string {
  let text = scopeKeys.get(scopes);
  if (text === undefined) scopeKeys.set(scopes, (text = JSON.stringify(scopes.map((scope) => scope.key))));
  return text;
}

function writeLines(lines: readonly Line[]): string {
  return JSON.stringify(lines.map((line) => [line.tool, line.endpoint, line.amount.toString(), line.requests]));
}

function readLines(text: string): Line[] {
  const rows = JSON.parse(text) as [string, string, string, number][];
  return rows.map(([tool, endpoint, amount, requests]) => ({ tool, endpoint, amount: BigInt(amount), requests }));
}
