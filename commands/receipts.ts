import type { Command } from 'commander';
import { printable } from '../daemon/contract/printable.ts';
import { readScope, scopeQuery } from '../daemon/contract/report-words.ts';
import { RECEIPT_VIEWS } from '../daemon/contract/receipt-views.ts';
import type { TextAnswer } from '../daemon/contract/views.ts';
import { fail, fetchAnswer, show } from './ask-daemon.ts';
import { sessionQuery } from './session.ts';
import { DONE, MISUSED, type Exit, type Terminal } from './terminal.ts';

export interface ReceiptsOptions {
  limit: string;
  /** true: the option was given without a value. */
  session?: string | true;
  today?: boolean;
  all?: boolean;
  csv?: boolean;
  json?: boolean;
}

export async function showReceipts(terminal: Terminal, words: readonly string[], options: ReceiptsOptions): Promise<Exit> {
  const { limit, session, today, all, csv, json } = options;
  const read = readScope(words, { session, today, all }, ['session', 'today', 'all']);
  if (!read.ok) return fail(terminal, read.problem, MISUSED);
  if (csv === true && json === true) return fail(terminal, 'choose one of --csv and --json.', MISUSED);
  const query = { ...scopeQuery(read.choice, sessionQuery(terminal, undefined)), limit };
  return csv === true ? writeCsv(terminal, query) : show(terminal, RECEIPT_VIEWS.receipts, query, json === true);
}

/** Its lines end with CRLF; the last LF is the terminal's. */
async function writeCsv(terminal: Terminal, query: Record<string, string>): Promise<Exit> {
  const answer = await fetchAnswer<TextAnswer>(terminal, `${RECEIPT_VIEWS.receipts}?${new URLSearchParams({ ...query, format: 'csv' })}`);
  if (!answer.ok) return answer.exit;
  terminal.out(answer.body.text.trimEnd().split('\r\n').map((line) => `${printable(line)}\r`).join('\n'));
  return DONE;
}

export function addReceipts(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  program
    .command('receipts')
    .description('every payment from the wallet: what, to whom, by which transaction')
    .argument('[scope...]', '[session [ID]|today|all]')
    .option('--session [id]', 'one session and all it started (default: the one of this folder)')
    .option('--today', 'all sessions, today')
    .option('--all', 'everything')
    .option('--limit <number>', 'how many, newest first', '50')
    .option('--csv', "as CSV, amounts in the token's smallest unit")
    .option('--json', "as JSON, amounts in the token's smallest unit")
    .action((words: string[], options: ReceiptsOptions) => run((terminal) => showReceipts(terminal, words, options)));
}
