import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { counted } from '../core/transfer.ts';
import type { Reserve } from '../ports.ts';
import type { Database } from './database.ts';
import { ledgerSuite } from './ledger.suite.ts';
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
    await ledger.reserve(reserve('1', 10n, null));
    expect(() => database.exec('UPDATE entries SET amount = 0')).toThrow(/append-only/);
    expect(() => database.exec('DELETE FROM entries')).toThrow(/append-only/);
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
    const file = fresh();
    await sqliteBook(openFile(file)).ledger.close();
    const database = openFile(file);
    for (const table of ['cheques', 'cheque_ends']) database.exec(`DROP TABLE ${table}`);
    database.exec('PRAGMA user_version = 1');
    database.close();
    const { ledger } = sqliteBook(openFile(file));
    await ledger.reserve(reserve('1', 10n, 100n));
    expect(await ledger.signed({ key: '1', network: 'n', asset: 'a', from: 'f', payTo: 'p', amount: 10n, nonce: '0x1', validBefore: 1, resource: null, at: 1 })).toBe(true);
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
