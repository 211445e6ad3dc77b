import type { Command } from 'commander';
import { VIEWS } from '../daemon/contract/views.ts';
import { show } from './ask-daemon.ts';
import type { Exit, Terminal } from './terminal.ts';

export interface SessionsOptions {
  limit: string;
  json?: boolean;
}

export function showSessions(terminal: Terminal, options: SessionsOptions): Promise<Exit> {
  return show(terminal, VIEWS.sessions, { limit: options.limit }, options.json === true);
}

export function addSessions(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  program
    .command('sessions')
    .description('the sessions pag0 saw last')
    .option('--limit <number>', 'how many', '20')
    .option('--json', 'as JSON, amounts in µ$')
    .action((options: SessionsOptions) => run((terminal) => showSessions(terminal, options)));
}
