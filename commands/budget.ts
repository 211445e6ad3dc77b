import type { Command } from 'commander';
import { limitTarget, splitAmount } from '../daemon/contract/order-words.ts';
import { VIEWS, type Target } from '../daemon/contract/views.ts';
import { fail, show } from './ask-daemon.ts';
import { give, type OrderOptions } from './order.ts';
import { sessionQuery } from './session.ts';
import { MISUSED, type Exit, type Terminal } from './terminal.ts';

export interface BudgetOptions {
  session?: string;
  json?: boolean;
}

export function showBudget(terminal: Terminal, options: BudgetOptions): Promise<Exit> {
  return show(terminal, VIEWS.budget, sessionQuery(terminal, options.session), options.json === true);
}

/** `pag0 budget raise session '$10'`: a person's, so it asks for the amount once more. */
export async function changeLimit(terminal: Terminal, verb: 'raise' | 'lower', words: readonly string[], options: OrderOptions): Promise<Exit> {
  const { words: named, amount } = splitAmount(words);
  const read = limitTarget(named);
  if (amount === undefined || !read.ok) return fail(terminal, read.ok ? `${verb} needs an amount, such as '$10'.` : `${read.problem}.`, MISUSED);
  const confirm = verb === 'raise' ? { question: `Raise the limit of ${nameOf(read.target)} to ${amount}? Type the amount again: `, expected: amount } : null;
  return give(terminal, { verb, target: read.target, amount }, confirm, options);
}

function nameOf(target: Target): string {
  if (target.kind === 'agent') return `agent ${target.name}`;
  return target.kind === 'day' ? 'today' : `this ${target.kind}`;
}

export function addBudget(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  const budget = program.command('budget').description('what has been spent of which budget, and the tree of agents');
  budget
    .option('--session <id>', 'another session than the one of this folder')
    .option('--json', 'as JSON, amounts in µ$')
    .action((options: BudgetOptions) => run((terminal) => showBudget(terminal, options)));
  for (const verb of ['raise', 'lower'] as const) {
    budget
      .command(verb)
      .description(verb === 'raise' ? 'give a scope more, which only a person can' : 'give a scope less')
      .argument('[words...]', "[session|run|project|day|agent NAME] '$AMOUNT'")
      // `--session` and `--json` are the parent's options too, and commander gives them to whom they were first made known.
      .action((words: string[], _options: object, command: Command) => run((terminal) => changeLimit(terminal, verb, words, command.optsWithGlobals())));
  }
}
