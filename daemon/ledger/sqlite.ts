import { firstExceeded, settle, ZERO, type Balance, type Ending, type Scope } from '../core/transfer.ts';
import type { JournalFilter, JournalSum, Ledger, Line, MoneyKind, Note, OpenFilter, OpenReservation, Origin, Reserve, Reserved, Roster } from '../ports.ts';
import { createBatch, type Batch } from './batch.ts';
import { createCheques } from './cheques.ts';
import type { Database, Row } from './database.ts';
import { spread, total } from './lines.ts';
import { sqliteRoster } from './roster.ts';
import { prepareSchema } from './schema.ts';
import { createTerms } from './terms.ts';
import { createTotals, originWhere, SLOT_MS, slotOf, type Totals } from './totals.ts';

/** Balances remembered between batches; beyond it the oldest are read again when they are needed. */
const REMEMBERED_BALANCES = 20_000;
const REMEMBERED_NUMBERS = 20_000;

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
  const findOpen = bigints(
    database,
    'SELECT open.reservation, open.lines, held, keys FROM entries JOIN open ON open.reservation = entries.no JOIN scope_sets ON scope_sets.no = scope_set WHERE call = ?',
  );
  const findLines = bigints(database, 'SELECT * FROM entries WHERE no >= ? AND no < ?');
  const findCall = database.prepare('SELECT 1 FROM entries WHERE call = ?');
  const insertCall = database.prepare(
    "INSERT INTO entries (at, what, origin, call, tool, endpoint, amount, requests, kind) VALUES (?, 'reserve', ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (call) WHERE call IS NOT NULL DO NOTHING",
  );
  const insertEntry = database.prepare(
    'INSERT INTO entries (at, what, origin, reservation, tool, endpoint, amount, requests, kind, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const insertOpen = database.prepare('INSERT INTO open VALUES (?, ?, ?, 0)');
  const deleteOpen = database.prepare('DELETE FROM open WHERE reservation = ?');
  const holdOpen = database.prepare('UPDATE open SET held = 1 WHERE reservation = ?');
  const sessionsWithOpen = database.prepare('SELECT DISTINCT session FROM origins WHERE no IN (SELECT origin FROM open JOIN entries ON entries.no = open.reservation)');
  const insertMark = database.prepare('INSERT OR IGNORE INTO marks VALUES (?, ?)');
  const cheques = createCheques(database);
  const terms = createTerms(database);
  const originNo = originNumbers(database);
  const scopeSetNo = scopeSetNumbers(database);

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
    insertOpen.run(reservation, request.lines.length, scopeSetNo(request.scopes));
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
    const reservation = row['reservation'] as bigint;
    const written = findLines.all(reservation, reservation + (row['lines'] as bigint));
    const lines = written.map(lineOf);
    const reserved = total(lines);
    for (const scope of JSON.parse(row['keys'] as string) as string[]) {
      const balance = balances.get(scope);
      const from = held ? { ...balance, held: balance.held - reserved, reserved: balance.reserved + reserved } : balance;
      balances.set(scope, settle(from, reserved, ending, actual ?? reserved));
    }
    const origin = written[0]!['origin'] as bigint;
    const kind = written[0]!['kind'] as MoneyKind;
    for (const line of ending === 'post' ? spread(lines, actual) : lines) {
      insertEntry.run(at, ending, origin, reservation, line.tool, line.endpoint, line.amount, line.requests, kind, detail);
      if (ending === 'post') totals.add(origin, at, 'posted', null, kind, line);
    }
    if (ending === 'hold') holdOpen.run(reservation);
    else deleteOpen.run(reservation);
    if (ending !== 'hold' && kind === 'settled') cheques.end(key, at, ending, detail);
    if (ending === 'post' && kind === 'settled') terms.posted(key);
    return true;
  }

  function noteNow(note: Note): void {
    const origin = originNo(note.origin);
    const saved = note.saved ?? 0n;
    insertEntry.run(note.at, note.what, origin, null, note.tool, note.endpoint, saved, note.requests, 'billed', note.code ?? null);
    totals.add(origin, note.at, note.what, note.code ?? null, 'billed', { tool: note.tool, endpoint: note.endpoint, amount: saved, requests: note.requests });
  }

  return {
    reserve: (request) => batch.run(() => reserveNow(request)),
    post: (key, at, actual, proof) => batch.run(() => endNow(key, at, 'post', proof ?? null, actual)),
    void: (key, at, reason) => batch.run(() => endNow(key, at, 'void', reason)),
    voidUnsigned: (key, at, reason) => batch.run(() => !cheques.has(key) && endNow(key, at, 'void', reason)),
    hold: (key, at, reason) => batch.run(() => endNow(key, at, 'hold', reason)),
    signed: (cheque) => batch.run(() => findOpen.get(cheque.key) !== undefined && cheques.write(cheque)),
    answered: (key, at) => batch.run(() => cheques.answer(key, at)),
    uncashed: () => batch.read(() => cheques.uncashed()),
    lost: (request) => batch.read(() => cheques.lost(request)),
    terms: (endpoint) => batch.read(() => terms.of(endpoint)),
    receipts: (filter, limit) => batch.read(() => cheques.receipts(filter, limit)),
    note: (note) => batch.behind(() => noteNow(note)),
    balances: (keys) => batch.read(() => keys.map(balances.get)),
    mark: (name, at) => batch.run(() => Number(insertMark.run(name, at).changes) === 1),
    open: (filter) => batch.read(() => selectOpen(database, filter)),
    openSessions: () => batch.read(() => sessionsWithOpen.all().map((row) => row['session'] as string)),
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
  return numbers({
    name: (origin: Origin) => `${origin.session}\n${origin.agent}`,
    find: ({ session, agent }) => find.get(session, agent),
    insert: ({ session, agent, run, project }) => insert.run(session, agent, run, project).lastInsertRowid,
  });
}

/** The scopes a reservation counts in, by number: one agent's calls come with the same ones again and again. */
function scopeSetNumbers(database: Database): (scopes: readonly Scope[]) => number | bigint {
  const find = database.prepare('SELECT no FROM scope_sets WHERE keys = ?');
  const insert = database.prepare('INSERT INTO scope_sets (keys) VALUES (?)');
  return numbers({ name: keysOf, find: (scopes) => find.get(keysOf(scopes)), insert: (scopes) => insert.run(keysOf(scopes)).lastInsertRowid });
}

function numbers<T>(of: { name(thing: T): string; find(thing: T): Row | undefined; insert(thing: T): number | bigint }): (thing: T) => number | bigint {
  // Only numbers read from the file are remembered: an insert may still be rolled back.
  const known = new Map<string, number>();
  return (thing) => {
    const name = of.name(thing);
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    const row = of.find(thing);
    if (row === undefined) return of.insert(thing);
    if (known.size > REMEMBERED_NUMBERS) known.clear();
    known.set(name, row['no'] as number);
    return row['no'] as number;
  };
}

function selectOpen(database: Database, filter: OpenFilter): OpenReservation[] {
  const rows = bigints(
    database,
    `SELECT first.call, first.at, first.kind, held, keys, session, agent, run, project,
       (SELECT SUM(amount) FROM entries WHERE no >= open.reservation AND no < open.reservation + lines) AS amount,
       EXISTS (SELECT 1 FROM cheques WHERE cheques.call = first.call) AS signed
     FROM open JOIN entries AS first ON first.no = open.reservation JOIN scope_sets ON scope_sets.no = scope_set JOIN origins ON origins.no = origin
     WHERE session = ?1 AND (?2 IS NULL OR agent = ?2) AND (?3 IS NULL OR first.kind = ?3) ORDER BY open.reservation`,
  ).all(filter.session, filter.agent ?? null, filter.kind ?? null);
  return rows.map((row) => ({
    key: row['call'] as string,
    origin: originOf(row),
    amount: row['amount'] as bigint,
    scopes: JSON.parse(row['keys'] as string) as string[],
    kind: row['kind'] as MoneyKind,
    signed: row['signed'] === 1n,
    held: row['held'] === 1n,
    at: Number(row['at']),
  }));
}

/** Held money is in no total: it is not known to be spent, and may yet be void. */
function sumHeld(database: Database, filter: JournalFilter): JournalSum[] {
  const { where, values } = 'since' in filter ? { where: 'at >= ? AND at < ?', values: [slotOf(filter.since) * SLOT_MS, slotOf(filter.until) * SLOT_MS] } : originWhere(filter);
  const rows = bigints(
    database,
    `SELECT session, agent, kind, tool, endpoint, amount, requests FROM open JOIN entries ON entries.no >= open.reservation AND entries.no < open.reservation + lines
     JOIN origins ON origins.no = origin WHERE held = 1 AND ${where}`,
  ).all(...values);
  return rows.map((row) => ({ ...lineOf(row), session: row['session'] as string, agent: row['agent'] as string, what: 'held', code: null, kind: row['kind'] as MoneyKind }));
}

function originOf(row: Row): Origin {
  return { session: row['session'] as string, agent: row['agent'] as string, run: row['run'] as string, project: row['project'] as string };
}

const keyTexts = new WeakMap<readonly Scope[], string>();

function keysOf(scopes: readonly Scope[]): string {
  let text = keyTexts.get(scopes);
  if (text === undefined) keyTexts.set(scopes, (text = JSON.stringify(scopes.map((scope) => scope.key))));
  return text;
}

function lineOf(row: Row): Line {
  return { tool: row['tool'] as string, endpoint: row['endpoint'] as string, amount: row['amount'] as bigint, requests: Number(row['requests']) };
}
