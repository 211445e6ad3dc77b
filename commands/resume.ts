import type { Command } from 'commander';
import { stopTarget } from '../daemon/contract/order-words.ts';
import type { Target } from '../daemon/contract/views.ts';
import { fail } from './ask-daemon.ts';
import { give, type OrderOptions } from './order.ts';
import { MISUSED, type Exit, type Terminal } from './terminal.ts';

/** A person's: it lets money go again. */
export async function resume(terminal: Terminal, words: readonly string[], options: OrderOptions): Promise<Exit> {
  const read = stopTarget(words);
  if (!read.ok) return fail(terminal, read.problem, MISUSED);
  const { target } = read;
  return give(terminal, { verb: 'resume', target }, { question: `Let paid calls of ${nameOf(target)} go on? Type resume: `, agrees: (typed) => typed === 'resume' }, options);
}

function nameOf(target: Target): string {
  switch (target.kind) {
    case 'agent':
      return `agent ${target.name}`;
    case 'all':
      return 'everything';
    case 'session':
    case 'run':
      return target.id === undefined ? `this ${target.kind}` : `${target.kind} ${target.id}`;
    default:
      return `this ${target.kind}`;
  }
}

export function addResume(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  program
    .command('resume')
    .description('let paid calls go on, which only a person can')
    .argument('[whom...]', '[session [ID]|run [ID]|project|agent NAME|all]')
    .option('--session <id>', 'another session than the one of this folder')
    .option('--json', 'as JSON')
    .action((words: string[], options: OrderOptions) => run((terminal) => resume(terminal, words, options)));
}
