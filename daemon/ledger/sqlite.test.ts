import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { counted } from '../core/transfer.ts';
import type { Cheque, Reserve } from '../ports.ts';
import type { Database } from './database.ts';
import { ledgerSuite } from './ledger.suite.ts';
import { VERSIONS } from './schema.ts';
import { sqliteBook } from './sqlite.ts';

const folder = mkdtempSync(join(tmpdir(), 'pag0-ledger-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const fresh = () => join(folder, `${(files += 1)}.db`);
const openFile = (file: string) => new DatabaseSync(file) as unknown as Database;
const reserve = (key: string, amount: bigint, limit: bigint | null): Reserve => ({
  key,
  origin: { session: 's', agent: 'main', run: 'r', project: 'p' },
  lines: [{ tool: 'Bash', endpoint: 'e', amount, requests: 1 }],
  scopes: [{ key: 'session:s', kind: 'session', label: 's', limit }],
  kind: 'billed',
  at: 1,
});
const cheque = (key: string, extra: Partial<Cheque> = {}): Cheque => ({ key, network: 'n', asset: 'a', from: 'f', payTo: 'p', amount: 10n, nonce: `0x${key}`, validBefore: 1, resource: null, request: `q${key}`, agreed: false, at: 1, ...extra });
/** A book as an older pag0 left it. */
const bookOf = (version: number): { file: string; database: Database } => {
  const file = fresh();
  const database = openFile(file);
  for (const ddl of VERSIONS.slice(0, version)) database.exec(ddl);
  database.exec(`PRAGMA user_version = ${version}`);
  return { file, database };
};

ledgerSuite('sqlite', () => sqliteBook(openFile(fresh())).ledger);

describe('the SQLite book', () => {
  it('remembers everything that was promised when it is opened again', async () => {
    const file = fresh();
    const first = sqliteBook(openFile(file)).ledger;
    await first.reserve(reserve('1', 10n, 100n));
    await first.reserve(reserve('2', 20n, 100n));
    await first.post('1', 2);
    await first.hold('2', 2, 'no answer');
    await first.close();
    const second = sqliteBook(openFile(file)).ledger;
    expect(await second.balances(['session:s'])).toEqual([{ posted: 10n, reserved: 0n, held: 20n }]);
    expect(await second.reserve(reserve('1', 10n, 100n))).toEqual({ outcome: 'duplicate', ended: true });
    expect((await second.open({ session: 's' })).map((open) => open.key)).toEqual(['2']);
    await second.close();
  });

  it('sees at once what another handle on the same file has spent', async () => {
    const file = fresh();
    const a = sqliteBook(openFile(file)).ledger;
    const b = sqliteBook(openFile(file)).ledger;
    expect(await a.reserve(reserve('1', 60n, 100n))).toEqual({ outcome: 'reserved' });
    expect(await b.reserve(reserve('2', 60n, 100n))).toMatchObject({ outcome: 'exceeded', exceeded: { spent: 60n } });
    expect(await b.void('1', 2, 'other handle')).toBe(true);
    expect(await a.reserve(reserve('3', 100n, 100n))).toEqual({ outcome: 'reserved' });
    await a.close();
    await b.close();
  });

  it('holds the cap between four processes that spend from one file at once', async () => {
    const file = fresh();
    await sqliteBook(openFile(file)).ledger.close();
    const granted = await Promise.all(
      [0, 1, 2, 3].map(
        (worker) =>
          new Promise<number>((resolve, reject) => {
            const child = fork(new URL('./spender.fixture.ts', import.meta.url), [file, String(worker)], { execArgv: ['--import', 'tsx'] });
            child.once('message', (count) => resolve(count as number));
            child.once('error', reject);
          }),
      ),
    );
    expect(granted.reduce((sum, count) => sum + count, 0)).toBe(10);
    const ledger = sqliteBook(openFile(file)).ledger;
    expect(counted((await ledger.balances(['session:s']))[0]!)).toBe(1_000n);
    await ledger.close();
  });

  it('refuses to change or delete a row of the book', async () => {
    const database = openFile(fresh());
    const { ledger } = sqliteBook(database);
    await ledger.reserve({ ...reserve('1', 10n, null), kind: 'settled' });
    await ledger.signed(cheque('1'));
    await ledger.post('1', 2);
    await ledger.answered('1', 2);
    for (const table of ['entries', 'cheques', 'cheque_ends', 'cheque_answers']) {
      expect(() => database.exec(`UPDATE ${table} SET at = 0`)).toThrow(/append-only/);
      expect(() => database.exec(`DELETE FROM ${table}`)).toThrow(/append-only/);
    }
    await ledger.close();
  });

  it('charges nobody when the commit fails, and says so with a code', async () => {
    const file = fresh();
    const database = openFile(file);
    const { ledger } = sqliteBook(database);
    await ledger.reserve(reserve('1', 10n, 100n));
    database.exec('PRAGMA query_only = ON');
    await expect(ledger.reserve(reserve('2', 10n, 100n))).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
    database.exec('PRAGMA query_only = OFF');
    expect(await ledger.balances(['session:s'])).toEqual([{ posted: 0n, reserved: 10n, held: 0n }]);
    expect(await ledger.reserve(reserve('2', 90n, 100n))).toEqual({ outcome: 'reserved' });
    await ledger.close();
  });

  it('commits nothing for a look, and still sees all that was asked for before it', async () => {
    const file = fresh();
    const { ledger } = sqliteBook(openFile(file));
    const other = openFile(file);
    const version = (): unknown => other.prepare('PRAGMA data_version').get()?.['data_version'];
    const before = version();
    ledger.note({ what: 'free', origin: { session: 's', agent: 'main', run: 's', project: '/p' }, tool: 'Bash', endpoint: 'a/', requests: 1, at: 1 });
    expect(await ledger.balances(['session:s'])).toEqual([{ posted: 0n, reserved: 0n, held: 0n }]);
    expect(version()).toBe(before);
    void ledger.reserve(reserve('1', 10n, 100n));
    expect(await ledger.balances(['session:s'])).toEqual([{ posted: 0n, reserved: 10n, held: 0n }]);
    other.close();
    await ledger.close();
  });

  it('opens a book from before there were cheques, and writes them into it', async () => {
    const { file, database } = bookOf(1);
    database.close();
    const { ledger } = sqliteBook(openFile(file));
    await ledger.reserve(reserve('1', 10n, 100n));
    expect(await ledger.signed(cheque('1'))).toBe(true);
    expect(await ledger.lost('q1')).toEqual({ cheque: cheque('1'), posted: false });
    await ledger.close();
  });

  it('opens a book whose cheques named no request, keeps them, and holds its endpoints to what they took first', async () => {
    const { file, database } = bookOf(2);
    database.exec(`
      INSERT INTO origins VALUES (1, 's', 'main', 'r', 'p');
      INSERT INTO scope_sets VALUES (1, '["session:s"]');
      INSERT INTO balances VALUES ('session:s', 50, 10, 0);
      INSERT INTO entries (no, at, what, origin, call, reservation, tool, endpoint, amount, requests, kind) VALUES
        (1, 1, 'reserve', 1, '1', NULL, 'Bash', 'e', 10, 1, 'settled'), (2, 1, 'reserve', 1, '2', NULL, 'Bash', 'e', 20, 1, 'settled'),
        (3, 1, 'reserve', 1, '3', NULL, 'Bash', 'e', 30, 1, 'settled'), (4, 1, 'reserve', 1, '4', NULL, 'Bash', 'v', 40, 1, 'settled'),
        (5, 5, 'post', 1, NULL, 3, 'Bash', 'e', 30, 1, 'settled'), (6, 6, 'post', 1, NULL, 2, 'Bash', 'e', 20, 1, 'settled'), (7, 7, 'void', 1, NULL, 4, 'Bash', 'v', 40, 1, 'settled');
      INSERT INTO open VALUES (1, 1, 1, 0);
      INSERT INTO cheques VALUES ('1', 1, 'n', 'a', 'f', 'p', 10, '0x1', 1, NULL), ('2', 2, 'n', 'a', 'f', 'p', 20, '0x2', 1, NULL), ('3', 3, 'n', 'a', 'f', 'p', 30, '0x3', 1, NULL), ('4', 4, 'n', 'a', 'f', 'p', 40, '0x4', 1, NULL);
      INSERT INTO cheque_ends VALUES ('2', 6, 'post', '0xtx'), ('3', 5, 'post', '0xtx'), ('4', 7, 'void', 'expired');`);
    database.close();
    for (const _ of ['migrated', 'opened again']) {
      const { ledger } = sqliteBook(openFile(file));
      expect(await ledger.uncashed()).toEqual([cheque('1', { request: '' })]);
      expect((await ledger.receipts({ all: true }, 9)).map(({ key, state, answered }) => [key, state, answered])).toEqual([['4', 'void', false], ['3', 'posted', false], ['2', 'posted', false], ['1', 'open', false]]);
      expect(await ledger.open({ session: 's' })).toMatchObject([{ key: '1', kind: 'settled', signed: true }]);
      expect([await ledger.terms('e'), await ledger.terms('v')]).toEqual([{ amount: 30n, payTo: 'p' }, null]);
      await ledger.close();
    }
    const { ledger } = sqliteBook(openFile(file));
    expect(await ledger.post('1', 8)).toBe(true);
    await ledger.answered('1', 8);
    expect(await ledger.receipts({ all: true }, 9)).toContainEqual(expect.objectContaining({ key: '1', state: 'posted', answered: true }));
    expect(await ledger.terms('e')).toEqual({ amount: 30n, payTo: 'p' });
    await ledger.reserve({ ...reserve('5', 10n, null), kind: 'settled' });
    expect(await ledger.signed(cheque('5', { agreed: true }))).toBe(true);
    expect(await ledger.lost('q5')).toEqual({ cheque: cheque('5', { agreed: true }), posted: false });
    await ledger.close();
  });

  it('writes the end of a payment and the coming of what it bought in one commit, and looks for either without one', async () => {
    const database = openFile(fresh());
    let commits = 0;
    const counting: Database = {
      exec: (sql) => database.exec(sql),
      close: () => database.close(),
      prepare(sql) {
        const statement = database.prepare(sql);
        if (sql !== 'COMMIT') return statement;
        return { run: () => ((commits += 1), statement.run()), get: () => undefined, all: () => [], setReadBigInts: () => {} };
      },
    };
    const { ledger } = sqliteBook(counting);
    for (const key of ['1', '2']) {
      await ledger.reserve({ ...reserve(key, 10n, null), kind: 'settled' });
      await ledger.signed(cheque(key));
    }
    const before = commits;
    await Promise.all([ledger.post('1', 2), ledger.answered('1', 2), ledger.hold('2', 2, 'no proof'), ledger.answered('2', 2)]);
    expect(commits - before).toBe(1);
    expect([await ledger.lost('q1'), await ledger.terms('e')]).toEqual([null, { amount: 10n, payTo: 'p' }]);
    expect(commits - before).toBe(1);
    await ledger.close();
  });

  it('goes through no history for the cheques that are uncashed, lost or set terms', async () => {
    const database = openFile(fresh());
    const asked = new Set<string>();
    const { ledger } = sqliteBook({ exec: (sql) => database.exec(sql), close: () => database.close(), prepare: (sql) => (asked.add(sql), database.prepare(sql)) });
    await Promise.all([ledger.uncashed(), ledger.lost('q'), ledger.terms('e'), ledger.open({ session: 's' })]);
    const looks = [...asked].filter((sql) => /cheques|terms/.test(sql));
    expect(looks.length).toBeGreaterThan(4);
    for (const sql of looks) for (const step of database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()) expect(step['detail']).not.toMatch(/SCAN (?!open\b|first\b|CONSTANT)/);
    await ledger.close();
  });

  it('forgets an answer and the terms of a payment together with the payment when the commit fails', async () => {
    const database = openFile(fresh());
    const { ledger } = sqliteBook(database);
    await ledger.reserve({ ...reserve('1', 10n, null), kind: 'settled' });
    await ledger.signed(cheque('1'));
    database.exec('PRAGMA query_only = ON');
    const said = await Promise.allSettled([ledger.post('1', 2), ledger.answered('1', 2)]);
    expect(said.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    database.exec('PRAGMA query_only = OFF');
    expect(await ledger.lost('q1')).toEqual({ cheque: cheque('1'), posted: false });
    expect(await ledger.terms('e')).toBeNull();
    await ledger.close();
  });

  it('will not open a book that a newer pag0 wrote', () => {
    const database = openFile(fresh());
    database.exec('PRAGMA user_version = 99');
    expect(() => sqliteBook(database)).toThrow(/newer pag0/);
  });

  it('keeps sessions, agents and directives for the next daemon', async () => {
    const file = fresh();
    const first = sqliteBook(openFile(file));
    first.roster.saveSession({ id: 's', parent: null, run: 's', project: '/p', cwd: '/p', transcript: null, attended: true, clientPid: null, options: {}, agents: new Map(), turn: null, startedAt: 5, endedAt: null });
    first.roster.saveAgent('s', { id: 'main', name: 'main', type: 'main', kind: 'main', parent: null, startedAt: 5, endedAt: null, stopped: null, iterations: 0 });
    await first.roster.saveDirective({ kind: 'limit', scope: 'session:s', limit: 7n, by: 'person', at: 6 });
    await first.ledger.close();
    const second = sqliteBook(openFile(file));
    expect(second.roster.session('s')?.agents.get('main')?.startedAt).toBe(5);
    expect(second.roster.recent(1)).toMatchObject([{ id: 's' }]);
    expect(second.roster.directives()).toEqual([{ kind: 'limit', scope: 'session:s', limit: 7n, by: 'person', at: 6 }]);
    await second.ledger.close();
  });
});
