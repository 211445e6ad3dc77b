import type { Command } from 'commander';
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

const SCOPES = ['run', 'project', 'today', 'all'] as const;

export async function showReport(terminal: Terminal, options: ReportOptions): Promise<Exit> {
  const chosen = SCOPES.filter((scope) => options[scope] !== undefined && options[scope] !== false);
  if (chosen.length > 1) return fail(terminal, `choose one of ${chosen.map((scope) => `--${scope}`).join(' and ')}.`, MISUSED);
  return show(terminal, VIEWS.report, queryOf(terminal, options, chosen[0] ?? 'session'), options.json === true);
}

function queryOf(terminal: Terminal, options: ReportOptions, scope: string): Record<string, string> {
  if (scope === 'today' || scope === 'all') return { scope };
  if (typeof options.run === 'string') return { run: options.run };
  return { scope, ...sessionQuery(terminal, typeof options.session === 'string' ? options.session : undefined) };
}

export function addReport(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  program
    .command('report')
    .description('what was spent, by agent, tool and endpoint, and why something was stopped')
    .option('--session [id]', 'one session and all it started (default: the one of this folder)')
    .option('--run [id]', 'one run')
    .option('--project', 'the project of the session')
    .option('--today', 'all sessions, today')
    .option('--all', 'everything')
    .option('--json', 'as JSON, amounts in µ$')
    .action((options: ReportOptions) => run((terminal) => showReport(terminal, options)));
}
