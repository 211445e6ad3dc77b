import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import type { Database } from '../../daemon/ledger/database.ts';
import { sqliteBook } from '../../daemon/ledger/sqlite.ts';
import type { Ledger, Reserve } from '../../daemon/ports.ts';
import { FAR, startDaemon } from './daemon.ts';
import { median, row, show } from './stats.ts';

/** A decision's cost must not grow with the book: the same calls against books of three sizes, in turns. */
const SIZES = [10, 10_000, 1_000_000];
const CALLS = 64;

export async function benchRows(rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pag0-rows-'));
  const books = SIZES.map((size) => ({ size, ledger: bookOf(join(folder, `${size}.db`), size), times: [] as number[] }));
  let next = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const book of books) {
      next += 1;
      const took = await batch(book.ledger, `round-${next}`);
      if (round >= rounds / 10) book.times.push(took / CALLS);
    }
  }
  console.log(`\nA reservation and its post, ${CALLS} calls in flight, durable (median of ${rounds} rounds)`);
  row('', 'µs a call', 'of the smallest');
  const base = median(books[0]!.times);
  for (const { size, times } of books) row(`${size.toLocaleString('en-US')} rows in the book`, show(median(times) * 1_000), `${show(median(times) / base, 2)} x`);
  for (const { ledger } of books) await ledger.close();
  await memoryWith(join(folder, '1000000.db'));
  rmSync(folder, { recursive: true });
}

async function batch(ledger: Ledger, name: string): Promise<number> {
  const began = performance.now();
  const keys = Array.from({ length: CALLS }, (_, index) => `${name}/toolu_${index}`);
  await Promise.all(keys.map((key) => ledger.reserve(call(key))));
  await Promise.all(keys.map((key) => ledger.post(key, 1)));
  return performance.now() - began;
}

function call(key: string): Reserve {
  const scope = (kind: 'agent' | 'session' | 'run' | 'project' | 'day') => ({ key: `${kind}:x`, kind, label: kind, limit: 10n ** 15n });
  return {
    key,
    origin: { session: 'x', agent: 'main', run: 'x', project: '/x' },
    lines: [{ tool: 'Bash', endpoint: 'api.tavily.com/search', amount: 20_000n, requests: 1 }],
    scopes: [scope('agent'), scope('session'), scope('run'), scope('project'), scope('day')],
    kind: 'billed',
    at: 1,
  };
}

/** A book with as many rows, written past the ledger because a million durable calls would take the day. */
function bookOf(file: string, rows: number): Ledger {
  const database = new DatabaseSync(file) as unknown as Database;
  const { ledger } = sqliteBook(database);
  const origin = database.prepare("INSERT INTO origins (session, agent, run, project) VALUES (?, 'main', ?, '/x')");
  const entry = database.prepare(
    "INSERT INTO entries (at, what, origin, call, reservation, tool, endpoint, amount, requests, kind, detail) VALUES (?, ?, ?, ?, ?, 'Bash', 'api.tavily.com/search', 20000, 1, 'billed', NULL)",
  );
  const PER_SESSION = 500;
  database.exec('BEGIN');
  for (let index = 0; index < rows; index += 2) {
    const session = Math.floor(index / PER_SESSION);
    if (index % PER_SESSION === 0) origin.run(`session-${session}`, `session-${session}`);
    const reserved = entry.run(index, 'reserve', session + 1, `session-${session}/toolu_${Math.random().toString(36).slice(2)}${index}`, null);
    entry.run(index, 'post', session + 1, null, reserved.lastInsertRowid);
  }
  database.exec('COMMIT');
  return ledger;
}

async function memoryWith(file: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'pag0-memory-'));
  renameSync(file, join(dir, 'ledger.db'));
  const daemon = await startDaemon({ ...FAR, prices: [{ endpoint: 'api.tavily.com/*', price: '$0.02' }] }, { dir });
  await daemon.register('bench');
  row('daemon with a million rows: start to ready', `${show(daemon.startMs, 0)} ms`);
  row('daemon with a million rows: memory', `${show(daemon.rssMb(), 0)} MB`);
  await daemon.stop();
}
