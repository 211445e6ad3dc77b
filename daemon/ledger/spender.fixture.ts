import { DatabaseSync } from '@photostructure/sqlite';
import type { Database } from './database.ts';
import { sqliteBook } from './sqlite.ts';

/** One of several processes that spend from the same file: asks fifty times for a tenth of the cap. */
const [, , file, worker] = process.argv;
const { ledger } = sqliteBook(new DatabaseSync(file!) as unknown as Database);
const outcomes = await Promise.all(
  Array.from({ length: 50 }, (_, index) =>
    ledger.reserve({
      key: `${worker}-${index}`,
      origin: { session: 's', agent: 'main', run: 'r', project: 'p' },
      lines: [{ tool: 'Bash', endpoint: 'e', amount: 100n, requests: 1 }],
      scopes: [{ key: 'session:s', kind: 'session', label: 's', limit: 1_000n }],
      kind: 'billed',
      at: 1,
    }),
  ),
);
await ledger.close();
process.send!(outcomes.filter((outcome) => outcome.outcome === 'reserved').length);
