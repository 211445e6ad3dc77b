import { readLimit, stopTarget } from '../contract/order-words.ts';
import { printable, printableJson } from '../contract/printable.ts';
import { readFlags, readScope, scopeQuery } from '../contract/report-words.ts';
import type { OrderVerb, Target } from '../contract/views.ts';
import { formatDollars, type Micros } from '../core/amount.ts';
import { Pag0Error } from '../core/errors.ts';
import { MAIN } from '../core/tree.ts';
import { approvalsText, approvalsView } from '../report/approvals.ts';
import { budgetAnswer, reportAnswer, type Answered } from '../report/answers.ts';
import { runNamed, sessionNamed } from '../report/session-choice.ts';
import { readForest, type Forest } from '../report/forest.ts';
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

const BUDGET_USAGE = 'write /pag0-budget, /pag0-budget session ID, or /pag0-budget raise|lower [session|run|project|today|agent NAME] $AMOUNT';
const APPROVE_USAGE = 'write /pag0-approve to see what waits, /pag0-approve ID or /pag0-approve no ID';

/** What is typed is read as in a terminal, words and flags alike. */
const ORDER_FLAGS = { session: 'value', json: 'nothing' } as const;
const REPORT_FLAGS = { session: 'perhaps', run: 'perhaps', project: 'nothing', today: 'nothing', all: 'nothing', json: 'nothing' } as const;
const APPROVE_FLAGS = { no: 'nothing', json: 'nothing' } as const;

async function budget(parts: Parts, live: Live, typed: readonly string[], orders: Orders): Promise<string> {
  const read = readFlags(typed, ORDER_FLAGS);
  if (!read.ok) return badRequest(`${read.problem}; ${BUDGET_USAGE}`);
  const { words, flags } = read;
  const [verb, ...rest] = words;
  if (verb !== 'raise' && verb !== 'lower') {
    const about = readScope(words, { session: flags.session }, ['session']);
    if (!about.ok) return badRequest(BUDGET_USAGE);
    return shown(await budgetAnswer(parts, viewQuery(scopeQuery(about.choice, { session: live.session.id }), flags.json)));
  }
  const limit = readLimit(verb, rest);
  if (!limit.ok) return badRequest(limit.problem);
  return ordered(parts, live, flags.session, { verb, target: limit.target, amount: limit.amount }, orders);
}

async function report(parts: Parts, live: Live, typed: readonly string[]): Promise<string> {
  const read = readFlags(typed, REPORT_FLAGS);
  if (!read.ok) return badRequest(`${read.problem}; write /pag0-report [session [ID]|run [ID]|project|today|all]`);
  const about = readScope(read.words, read.flags);
  if (!about.ok) return badRequest(about.problem);
  return shown(await reportAnswer(parts, viewQuery(scopeQuery(about.choice, { session: live.session.id }), read.flags.json)));
}

async function stop(parts: Parts, live: Live, verb: 'kill' | 'resume', typed: readonly string[], orders: Orders): Promise<string> {
  const read = readFlags(typed, ORDER_FLAGS);
  if (!read.ok) return badRequest(`${read.problem}; write /pag0-${verb} [session [ID]|run [ID]|project|agent NAME|all]`);
  const whom = stopTarget(read.words);
  return whom.ok ? ordered(parts, live, read.flags.session, { verb, target: whom.target }, orders) : badRequest(whom.problem);
}

async function approve(parts: Parts, typed: readonly string[], orders: Orders): Promise<string> {
  const read = readFlags(typed, APPROVE_FLAGS);
  if (!read.ok) return badRequest(`${read.problem}; ${APPROVE_USAGE}`);
  const { words, flags } = read;
  if (words.length === 0) return flags.no === undefined ? approvalsText(approvalsView(parts), '/pag0-approve') : badRequest(APPROVE_USAGE);
  const declined = flags.no !== undefined || words[0] === 'no';
  const [id, ...rest] = words[0] === 'no' ? words.slice(1) : words;
  return id === undefined || rest.length > 0 ? badRequest(APPROVE_USAGE) : spoken(await orders.approve(id, !declined, 'person'));
}

function viewQuery(query: Record<string, string>, json: string | true | undefined): URLSearchParams {
  return new URLSearchParams(json === undefined ? { ...query, format: 'text' } : query);
}

function shown(answer: Answered<object>): string {
  if (!answer.ok) return printable(`pag0 ${answer.code}: ${answer.problem}`);
  return 'text' in answer.body && typeof answer.body.text === 'string' ? answer.body.text : printableJson(answer.body);
}

/** In the session that a flag names, else in this one. */
async function ordered(parts: Parts, live: Live, named: string | true | undefined, order: Order, orders: Orders): Promise<string> {
  if (typeof named !== 'string') return spoken(await carryOut(parts, live, order, orders));
  const found = sessionNamed(readForest(parts), named);
  if (!found.ok) return printable(`pag0 ${found.code}: ${found.problem}`);
  return spoken(await carryOut(parts, parts.sessions.get(found.session.id) ?? null, order, orders));
}

export interface Order {
  verb: OrderVerb;
  target: Target;
  /** µ$ */
  amount?: Micros | undefined;
  /** Nothing is done; the answer is what would be. */
  check?: boolean;
}

/** One order, from a slash command or from a terminal, in a person's name. */
export async function carryOut(parts: Parts, live: Live | null, order: Order, orders: Orders): Promise<OrderOutcome> {
  const forest = readForest(parts);
  const aim = aimAt(parts, forest, live, order.target);
  if ('code' in aim) return aim;
  const { check } = order;
  if (order.verb === 'kill') return orders.kill(aim.live, aim.target, 'person', check);
  if (order.verb === 'resume') return orders.resume(aim.live, aim.target, 'person', check);
  if (aim.live === null) return { ok: false, code: 'NOT_FOUND', sentence: 'pag0 has seen no session yet' };
  const { amount } = order;
  if (amount === undefined) return { ok: false, code: 'BAD_REQUEST', sentence: `${order.verb} needs an amount, such as '$10'` };
  const wrongWay = checkDirection(order.verb, limitNow(parts, aim.live, aim.target), amount);
  if (wrongWay !== null) return { ok: false, code: 'BAD_REQUEST', sentence: wrongWay };
  return orders.setLimit(aim.live, aim.target, amount, 'person', check);
}

/** A session and a run by the beginning of their id; an agent by the name that the tree shows, in a nested session too. Whom nobody knows, `orders` answers for. */
function aimAt(parts: Parts, forest: Forest, live: Live | null, target: Target): { live: Live | null; target: Target } | Extract<OrderOutcome, { ok: false }> {
  if (target.kind === 'session' && target.id !== undefined) {
    const found = sessionNamed(forest, target.id);
    return found.ok ? { live: parts.sessions.get(found.session.id) ?? null, target: { kind: 'session' } } : { ok: false, code: found.code, sentence: found.problem };
  }
  if (target.kind === 'run' && target.id !== undefined) {
    const found = runNamed(forest, target.id);
    return found.ok ? { live, target: { kind: 'run', id: found.run } } : { ok: false, code: found.code, sentence: found.problem };
  }
  return live === null ? { live, target } : agentAt(parts, forest, live, target);
}

function agentAt(parts: Parts, forest: Forest, live: Live, target: Target): { live: Live; target: Target } {
  if (target.kind !== 'agent') return { live, target };
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

function spoken(outcome: OrderOutcome): string {
  return printable(outcome.ok ? outcome.sentence : `pag0 ${outcome.code}: ${outcome.sentence}`);
}

function badRequest(text: string): string {
  return printable(`pag0 BAD_REQUEST: ${text}`);
}
