import type { Command } from 'commander';
import { printable, printableJson } from '../daemon/contract/printable.ts';
import { RECONCILIATION_MS, RECONCILIATION_VIEWS, type ReconciliationAnswer } from '../daemon/contract/reconciliation-views.ts';
import { fail, fetchAnswer } from './ask-daemon.ts';
import { DONE, type Exit, type Terminal } from './terminal.ts';

export interface ReconcileOptions {
  since: string;
  json?: boolean;
}

/** Fails when book and chain differ, and when that is not known. */
export async function reconcile(terminal: Terminal, { since, json }: ReconcileOptions): Promise<Exit> {
  const query = new URLSearchParams({ days: since, ...(json === true ? {} : { format: 'text' }) });
  const answer = await fetchAnswer<ReconciliationAnswer>(terminal, `${RECONCILIATION_VIEWS.reconciliation}?${query}`, RECONCILIATION_MS);
  if (!answer.ok) return answer.exit;
  const { text, ...view } = answer.body;
  terminal.out(json === true ? printableJson(view) : (text ?? '').split('\n').map((line) => printable(line)).join('\n'));
  const { differences, unknown, accounts, problem } = view;
  if (differences > 0) return fail(terminal, `the book and the chain differ in ${differences === 1 ? 'one thing' : `${differences} things`}; look at each. Where money left without pag0, move what is left to a new wallet.`);
  if (unknown === 0) return problem === null ? DONE : fail(terminal, `${problem}.`, accounts.length === 0 ? undefined : DONE);
  return fail(terminal, 'what the chain says is unknown (NO_RPC or NO_ANSWER); name an RPC that answers for its network under "networks" in config.json.');
}

export function addReconcile(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  program
    .command('reconcile')
    .description('the payments in the book against those on the chain; fails when they differ')
    .option('--since <days>', 'how many days back', '7')
    .option('--json', "as JSON, amounts in the token's smallest unit")
    .action((options: ReconcileOptions) => run((terminal) => reconcile(terminal, options)));
}
