import type { Command } from 'commander';
import { readLimit, typedAmount } from '../daemon/contract/order-words.ts';
import { readScope, scopeQuery } from '../daemon/contract/report-words.ts';
import { VIEWS, type Target } from '../daemon/contract/views.ts';
import { formatDollars } from '../daemon/core/amount.ts';
import { fail, show } from './ask-daemon.ts';
import { give, type OrderOptions } from './order.ts';
import { sessionQuery } from './session.ts';
import { MISUSED, type Exit, type Terminal } from './terminal.ts';

export interface BudgetOptions {
  session?: string;
  json?: boolean;
}

const USAGE = "write `pag0 budget`, `pag0 budget session ID`, or `pag0 budget raise|lower [session|run|project|today|agent NAME] '$AMOUNT'`";

/** Every scope of a session stands on one page, so it is the session alone that can be named. */
export async function showBudget(terminal: Terminal, words: readonly string[], options: BudgetOptions): Promise<Exit> {
  const read = readScope(words, { session: options.session }, ['session']);
  if (!read.ok) return fail(terminal, `${JSON.stringify(words.join(' '))} is no part of it; ${meant(words) ?? USAGE}.`, MISUSED);
  const { session, cwd } = scopeQuery(read.choice, sessionQuery(terminal, options.session));
  return show(terminal, VIEWS.budget, session === undefined ? { cwd: cwd! } : { session }, options.json === true);
}

/** Words that other programs have for raise and lower; an amount alone is a new limit. */
function meant([first, ...rest]: readonly string[]): string | null {
  const target = rest.filter((word) => !/\d/.test(word)).map((word) => `${word} `).join('');
  if (/^(rise|raize|rais|increase|incr?|up|add|more|set|\+)$/i.test(first!)) return `did you mean \`pag0 budget raise ${target}'$10'\`?`;
  if (/^(decrease|decr?|reduce|down|less|cut|lwer|lowr|-)$/i.test(first!)) return `did you mean \`pag0 budget lower ${target}'$10'\`?`;
  return /^["']?\$?\d/.test(first!) ? `did you mean \`pag0 budget raise '${typedAmount(first!).ok ? first! : '$10'}'\` or \`pag0 budget lower …\`?` : null;
}

/** `pag0 budget raise session '$10'`: a person's, so it asks for the amount once more. */
export async function changeLimit(terminal: Terminal, verb: 'raise' | 'lower', words: readonly string[], options: OrderOptions): Promise<Exit> {
  const read = readLimit(verb, words);
  if (!read.ok) return fail(terminal, read.problem, MISUSED);
  const amount = formatDollars(read.amount);
  const again = (typed: string): boolean => {
    const said = typedAmount(typed);
    return said.ok && said.amount === read.amount;
  };
  const confirm = verb === 'raise' ? { question: `Raise the limit of ${nameOf(read.target)} to ${amount}? Type the amount again: `, agrees: again } : null;
  return give(terminal, { verb, target: read.target, amount }, confirm, options);
}

function nameOf(target: Target): string {
  if (target.kind === 'agent') return `agent ${target.name}`;
  return target.kind === 'day' ? 'today' : `this ${target.kind}`;
}

export function addBudget(program: Command, run: (work: (terminal: Terminal) => Promise<Exit>) => Promise<void>): void {
  const budget = program.command('budget').description('what has been spent of which budget, and the tree of agents');
  budget
    .argument('[scope...]', 'session ID')
    .option('--session <id>', 'another session than the one of this folder')
    .option('--json', 'as JSON, amounts in µ$')
    .action((words: string[], options: BudgetOptions) => run((terminal) => showBudget(terminal, words, options)));
  for (const verb of ['raise', 'lower'] as const) {
    budget
      .command(verb)
      .description(verb === 'raise' ? 'give a scope more, which only a person can' : 'give a scope less')
      .argument('[limit...]', "[session|run|project|today|agent NAME] '$AMOUNT'")
      // `--session` and `--json` are the parent's options too, and commander gives them to whom they were first made known.
      .action((words: string[], _options: object, command: Command) => run((terminal) => changeLimit(terminal, verb, words, command.optsWithGlobals())));
  }
}
