import { limitTarget, splitAmount, stopTarget } from '../contract/order-words.ts';
import { printable } from '../contract/printable.ts';
import type { OrderVerb, Target } from '../contract/views.ts';
import { formatDollars, parseAmount, type Micros, type ParsedAmount } from '../core/amount.ts';
import { Pag0Error } from '../core/errors.ts';
import { MAIN } from '../core/tree.ts';
import { approvalsText, approvalsView } from '../report/approvals.ts';
import { budgetText } from '../report/budget-text.ts';
import { budgetView } from '../report/budget.ts';
import { readForest } from '../report/forest.ts';
import { reportText } from '../report/report-text.ts';
import { isReportScope, reportOf, type ReportFilter } from '../report/report.ts';
import { scopesOf } from '../report/standing.ts';
import type { OrderOutcome, Orders } from './orders.ts';
import type { Parts } from './parts.ts';
import type { Live } from './sessions.ts';

/**
 * `/pag0-budget` and its sisters, answered on the screen without a model call. null: not ours. Whether a person is behind
 * it is decided in `orders`, which is asked in a person's name.
 */
export async function answerSlash(parts: Parts, live: Live, command: string, args: string, orders: Orders): Promise<string | null> {
  const name = command.startsWith('pag0:') ? command.slice('pag0:'.length) : command;
  const words = args.split(/\s+/).filter((word) => word !== '');
  try {
    switch (name) {
      case 'pag0-budget':
        return await budget(parts, live, words, orders);
      case 'pag0-report':
        return await report(parts, live, words);
      case 'pag0-kill':
        return await stop(parts, live, 'kill', words, orders);
      case 'pag0-resume':
        return await stop(parts, live, 'resume', words, orders);
      case 'pag0-approve':
        return await approve(parts, words, orders);
      default:
        return null;
    }
  } catch (error) {
    // Unanswered, the model would be asked, and it knows less of it than we do.
    if (error instanceof Pag0Error) return `pag0 ${error.code}: ${error.message}`;
    throw error;
  }
}

const BUDGET_USAGE = 'write /pag0-budget, or /pag0-budget raise|lower [session|run|project|day|agent NAME] $AMOUNT';
const APPROVE_USAGE = 'write /pag0-approve to see what waits, /pag0-approve ID or /pag0-approve no ID';
const REPORT_USAGE = 'write /pag0-report [session|run|project|today|all]';

async function budget(parts: Parts, live: Live, words: readonly string[], orders: Orders): Promise<string> {
  const [verb, ...rest] = words;
  if (verb === undefined) return budgetText(await budgetView(parts, live));
  if (verb !== 'raise' && verb !== 'lower') return badRequest(BUDGET_USAGE);
  const { words: named, amount } = splitAmount(rest);
  if (amount === undefined) return badRequest(`${verb} needs an amount; ${BUDGET_USAGE}`);
  const read = limitTarget(named);
  if (!read.ok) return badRequest(read.problem);
  return spoken(await carryOut(parts, live, { verb, target: read.target, amount }, orders));
}

async function report(parts: Parts, live: Live, words: readonly string[]): Promise<string> {
  const scope = words[0] ?? 'session';
  if (words.length > 1 || !isReportScope(scope)) return badRequest(REPORT_USAGE);
  const { session } = live;
  const filters: Record<typeof scope, ReportFilter> = {
    session: { scope: 'session', session },
    run: { scope: 'run', run: session.run },
    project: { scope: 'project', project: session.project },
    today: { scope: 'today' },
    all: { scope: 'all' },
  };
  return reportText(await reportOf(parts, filters[scope]), parts.policies.timeZone());
}

async function stop(parts: Parts, live: Live, verb: 'kill' | 'resume', words: readonly string[], orders: Orders): Promise<string> {
  const read = stopTarget(words);
  return read.ok ? spoken(await carryOut(parts, live, { verb, target: read.target }, orders)) : badRequest(read.problem);
}

async function approve(parts: Parts, words: readonly string[], orders: Orders): Promise<string> {
  if (words.length === 0) return approvalsText(approvalsView(parts), '/pag0-approve');
  const declined = words[0] === 'no';
  const [id, ...rest] = declined ? words.slice(1) : words;
  return id === undefined || rest.length > 0 ? badRequest(APPROVE_USAGE) : spoken(await orders.approve(id, !declined, 'person'));
}

export interface Order {
  verb: OrderVerb;
  target: Target;
  /** As typed. */
  amount?: string | undefined;
}

/** One order, from a slash command or from a terminal, in a person's name. */
export async function carryOut(parts: Parts, live: Live | null, order: Order, orders: Orders): Promise<OrderOutcome> {
  const aim = live === null ? { live, target: order.target } : aimAt(parts, live, order.target);
  if (order.verb === 'kill') return orders.kill(aim.live, aim.target, 'person');
  if (order.verb === 'resume') return orders.resume(aim.live, aim.target, 'person');
  if (aim.live === null) return { ok: false, code: 'NOT_FOUND', sentence: 'pag0 has seen no session yet' };
  const read = typedAmount(order.amount ?? '');
  if (!read.ok) return { ok: false, code: 'BAD_REQUEST', sentence: read.problem };
  const wrongWay = checkDirection(order.verb, limitNow(parts, aim.live, aim.target), read.amount);
  if (wrongWay !== null) return { ok: false, code: 'BAD_REQUEST', sentence: wrongWay };
  return orders.setLimit(aim.live, aim.target, read.amount, 'person');
}

/** An agent by the name that the tree shows, in a nested session too; whom nobody knows, `orders` answers for. */
function aimAt(parts: Parts, live: Live, target: Target): { live: Live; target: Target } {
  if (target.kind !== 'agent') return { live, target };
  const forest = readForest(parts);
  const seats = forest.family(live.session).flatMap((session) => forest.shown(session).map((agent) => ({ session, agent })));
  // Names are given out anew when a client starts over: the newest is meant.
  const found = seats.findLast(({ session, agent }) => forest.nameOf(session, agent.id) === target.name) ?? seats.find(({ agent }) => agent.id === target.name);
  const there = found === undefined ? undefined : parts.sessions.get(found.session.id);
  return found === undefined || there === undefined ? { live, target } : { live: there, target: { kind: 'agent', name: found.agent.id } };
}

/** undefined: there is nobody of that name, which `orders` says better. */
function limitNow(parts: Parts, live: Live, target: Target): Micros | null | undefined {
  const agent = target.kind === 'agent' ? target.name : MAIN;
  if (!live.session.agents.has(agent)) return undefined;
  const scopes = scopesOf(parts, readForest(parts), live.session, agent);
  return (target.kind === 'agent' ? scopes[0] : scopes.find((scope) => scope.kind === target.kind))?.limit ?? null;
}

/** Who mistypes a number must not open with "lower" what was to be closed. */
function checkDirection(verb: OrderVerb, limit: Micros | null | undefined, amount: Micros): string | null {
  if (limit === undefined) return null;
  if (verb === 'raise' && limit === null) return 'there is no limit that could be raised; lower sets one';
  if (verb === 'raise' && amount <= limit!) return `the limit is ${formatDollars(limit!)} already, so ${formatDollars(amount)} does not raise it`;
  if (verb === 'lower' && limit !== null && amount >= limit) return `the limit is ${formatDollars(limit)}, so ${formatDollars(amount)} does not lower it`;
  return null;
}

const CENT = 10_000n;

/**
 * An amount as a person types it. Whole numbers are µ$ everywhere, but nobody types fractions of a cent: "10" was meant
 * as dollars, or was "$10" until a shell made it "0".
 */
export function typedAmount(text: string): ParsedAmount {
  const bare = text.replace(/^(["'])(.*)\1$/, '$2');
  const read = parseAmount(bare);
  if (!read.ok || read.amount >= CENT || bare.includes('$')) return read;
  return { ok: false, problem: `${JSON.stringify(bare)} would be less than a cent; write dollars as "$10", in a terminal in single quotes ('$10')` };
}

function spoken(outcome: OrderOutcome): string {
  return printable(outcome.ok ? outcome.sentence : `pag0 ${outcome.code}: ${outcome.sentence}`);
}

function badRequest(text: string): string {
  return printable(`pag0 BAD_REQUEST: ${text}`);
}
