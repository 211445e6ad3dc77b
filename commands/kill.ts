import type { Command } from 'commander';
import { stopTarget } from '../daemon/contract/order-words.ts';
import { fail } from './ask-daemon.ts';
import { give, type OrderOptions } from './order.ts';
import { MISUSED, type Exit, type Terminal } from './terminal.ts';

/** Stopping needs no question: it costs nothing, and it may be urgent. */
export async function kill(terminal: Terminal, words: readonly string[], options: OrderOptions): Promise<Exit> {
  const read = stopTarget(words);
  return read.ok ? give(terminal, { verb: 'kill', target: read.target }, null, options) : fail(terminal, read.problem, MISUSED);
}

export function addKill(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  program
    .command('kill')
    .description('stop paid calls of a session, a run, a project, an agent or everything')
    .argument('[whom...]', '[session [ID]|run [ID]|project|agent NAME|all]')
    .option('--session <id>', 'another session than the one of this folder')
    .option('--json', 'as JSON')
    .action((words: string[], options: OrderOptions) => run((terminal) => kill(terminal, words, options)));
}
