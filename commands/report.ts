import type { Command } from 'commander';
import { readScope, scopeQuery } from '../daemon/contract/report-words.ts';
import { VIEWS } from '../daemon/contract/views.ts';
import { fail, show } from './ask-daemon.ts';
import { sessionQuery } from './session.ts';
import { MISUSED, type Exit, type Terminal } from './terminal.ts';

export interface ReportOptions {
  /** true: the option was given without a value. */
  session?: string | true;
  run?: string | true;
  project?: boolean;
  today?: boolean;
  all?: boolean;
  json?: boolean;
}

/** `pag0 report today` and `pag0 report --today` are one. */
export async function showReport(terminal: Terminal, words: readonly string[], options: ReportOptions): Promise<Exit> {
  const read = readScope(words, options);
  if (!read.ok) return fail(terminal, read.problem, MISUSED);
  return show(terminal, VIEWS.report, scopeQuery(read.choice, sessionQuery(terminal, undefined)), options.json === true);
}

export function addReport(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  program
    .command('report')
    .description('what was spent, by agent, tool and endpoint, and why something was stopped')
    .argument('[scope...]', '[session [ID]|run [ID]|project|today|all]')
    .option('--session [id]', 'one session and all it started (default: the one of this folder)')
    .option('--run [id]', 'one run')
    .option('--project', 'the project of the session')
    .option('--today', 'all sessions, today')
    .option('--all', 'everything')
    .option('--json', 'as JSON, amounts in µ$')
    .action((words: string[], options: ReportOptions) => run((terminal) => showReport(terminal, words, options)));
}
