import type { Command } from 'commander';
import { stopTarget } from '../daemon/contract/order-words.ts';
import { fail } from './ask-daemon.ts';
import { give, type OrderOptions } from './order.ts';
import { MISUSED, type Exit, type Terminal } from './terminal.ts';

/** A person's: it lets money go again. */
export async function resume(terminal: Terminal, words: readonly string[], options: OrderOptions): Promise<Exit> {
  const read = stopTarget(words);
  if (!read.ok) return fail(terminal, `${read.problem}.`, MISUSED);
  const { target } = read;
  const whom = target.kind === 'agent' ? `agent ${target.name}` : target.kind === 'all' ? 'everything' : 'this session';
  return give(terminal, { verb: 'resume', target }, { question: `Let paid calls of ${whom} go on? Type resume: `, expected: 'resume' }, options);
}

export function addResume(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  program
    .command('resume')
    .description('let paid calls go on, which only a person can')
    .argument('[words...]', '[session|agent NAME|all]')
    .option('--session <id>', 'another session than the one of this folder')
    .option('--json', 'as JSON')
    .action((words: string[], options: OrderOptions) => run((terminal) => resume(terminal, words, options)));
}
