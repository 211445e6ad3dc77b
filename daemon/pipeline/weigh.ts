import { admit, authorize, overBudget } from '../core/admit.ts';
import { formatDollars } from '../core/amount.ts';
import { callLabel, type Call } from '../core/call.ts';
import type { Code, Refusal } from '../core/errors.ts';
import { spend } from '../core/loop.ts';
import { ruled } from '../core/mode.ts';
import type { Policy } from '../core/policy.ts';
import { canCost, quote, type Quote } from '../core/price.ts';
import { counted, firstExceeded, type Exceeded, type Scope } from '../core/transfer.ts';
import { calledName, chainOf, isLoop, type Agent } from '../core/tree.ts';
import type { PolicyInForce } from '../config/policies.ts';
import type { Line, MoneyKind, Origin } from '../ports.ts';
import { killedBy } from './kill-switch.ts';
import { noteAsked, noteRefused } from './outside-loops.ts';
import type { Parts } from './parts.ts';
import { currentStanding, type Standing } from './scopes.ts';
import type { Live } from './sessions.ts';
import { isStopped, roundsOf, stoppedLoopOf } from './turns.ts';

/** Calls that may happen, with what they cost and whose accounts they are charged to. */
export interface Weighed {
  quotes: readonly Quote[];
  policy: Policy;
  standing: Standing;
  amount: bigint;
  /** A person is to be asked first. */
  ask: boolean;
  /** In shadow: why it would have been refused. */
  would: Refusal | null;
  /** In shadow: it is written down already that it would have been refused, or asked about. */
  noted: boolean;
  at: number;
}

/** `ungoverned`: the developer's own machine, and no rule names it. */
export type Weighing = { outcome: 'ungoverned' } | { outcome: 'refused'; quotes: readonly Quote[]; refusal: Refusal } | { outcome: 'free' | 'priced'; weighed: Weighed };

/** quote → admit → authorize: whether an agent may make these calls at all, before any money is set aside. */
export async function weigh(parts: Parts, live: Live, agent: Agent, calls: readonly Call[], inForce: PolicyInForce): Promise<Weighing> {
  return weighQuotes(parts, live, agent, calls.map((one) => quote(one, inForce.policy.prices)).filter(isGoverned), inForce);
}

/** The same where somebody else than the price table has named the price. */
export async function weighQuotes(parts: Parts, live: Live, agent: Agent, quotes: readonly Quote[], inForce: PolicyInForce): Promise<Weighing> {
  const { policy } = inForce;
  if (quotes.length === 0) return { outcome: 'ungoverned' };
  const at = parts.clock();
  const standing = currentStanding(parts, live, agent, inForce, at);
  const amount = quotes.reduce((sum, quoted) => sum + quoted.amount, 0n);
  const admitted = admit({
    quotes,
    policy,
    limits: standing.limits,
    agent: calledName(agent),
    killed: killedBy(parts.directives, standing.scopes)?.lift ?? null,
    loopEnded: loopEnded(parts, live, agent, policy),
    exhausted: amount === 0n && quotes.some(canCost) ? await exhausted(parts, standing.scopes) : null,
  });
  const authorized = admitted === null && amount > 0n ? authorize(quotes, policy, standing.limits) : null;
  if (quotes.some(canCost)) noteAsked(live, quotes.map((quoted) => quoted.amount / BigInt(quoted.call.times)));
  const { stands, shadow } = ruled(policy.mode, authorized?.verdict === 'refuse' ? authorized.refusal : admitted);
  if (stands !== null) return { outcome: 'refused', quotes, refusal: stands };
  return { outcome: amount === 0n ? 'free' : 'priced', weighed: { quotes, policy, standing, amount, ask: authorized?.verdict === 'ask', would: shadow, noted: false, at } };
}

/** As it would be if the policy were enforced. */
export function asEnforced(weighing: Weighing): Weighing {
  if (!('weighed' in weighing) || weighing.weighed.would === null) return weighing;
  const { would, quotes } = weighing.weighed;
  return { outcome: 'refused', quotes, refusal: would };
}

/** Where a "no" becomes a verdict. In shadow it is written down, once for each weighing, and does not stand: null. */
export function upheld<No extends { code: Code }>(parts: Parts, live: Live, agent: Agent, weighed: Weighed, no: No | null): No | null {
  const { stands, shadow } = ruled(weighed.policy.mode, no);
  if (shadow !== null && !weighed.noted) {
    weighed.noted = true;
    noteShadow(parts, live, agent, weighed.quotes.map(({ call }) => call), shadow);
  }
  return stands;
}

/** Sets the money aside in every scope at once, under the call's own key. The refusal when one of them is full; in shadow it is set aside all the same. */
export async function reserve(parts: Parts, live: Live, agent: Agent, key: string, weighed: Weighed, kind: MoneyKind = 'billed'): Promise<Refusal | null> {
  const { quotes, policy, standing, amount, at } = weighed;
  const request = { key, origin: originOf(live, agent), lines: quotes.map(lineOf), scopes: standing.scopes, kind, at };
  let reserved = await parts.ledger.reserve(request);
  if (reserved.outcome === 'exceeded') {
    const stands = upheld(parts, live, agent, weighed, overBudget(reserved.exceeded, amount, quotes));
    if (stands !== null) return stands;
    reserved = await parts.ledger.reserve({ ...request, scopes: standing.scopes.map((scope) => ({ ...scope, limit: null })) });
  }
  if (reserved.outcome === 'reserved') for (const turn of roundsOf(live, agent)) spend(turn, amount, at, policy.loops);
  return null;
}

/**
 * Whether it would fit now. Calls that go through the gateway are charged there, request by request; this is for telling
 * an agent at once, and for ending it, that its budget is spent.
 */
export async function wouldFit(parts: Parts, { quotes, standing, amount }: Weighed): Promise<Refusal | null> {
  const balances = await parts.ledger.balances(standing.scopes.map((scope) => scope.key));
  const byKey = new Map(standing.scopes.map((scope, index) => [scope.key, balances[index]!]));
  const exceeded = firstExceeded(amount, standing.scopes, (key) => byKey.get(key)!);
  return exceeded === null ? null : overBudget(exceeded, amount, quotes);
}

/** The developer's own machine is left alone unless a price names it. */
function isGoverned(quoted: Quote): boolean {
  return quoted.rule !== null || quoted.call.endpoint?.local !== true;
}

export function originOf(live: Live, agent: Agent): Origin {
  const { id, run, project } = live.session;
  return { session: id, agent: agent.id, run, project };
}

function lineOf(quoted: Quote): Line {
  return { tool: quoted.call.tool, endpoint: callLabel(quoted.call), amount: quoted.amount, requests: quoted.call.times };
}

/** A loop that was ended stays ended: what it still asks for is refused until a person begins a new one or resumes it. */
function loopEnded(parts: Parts, live: Live, agent: Agent, policy: Policy): string | null {
  const above = roundsOf(live, agent).map((turn) => ({ turn, owner: live.session.agents.get(turn.agent)! }));
  const ended = chainInSession(live, agent).find((one) => isLoop(one) && isStopped(parts, live, one));
  if (ended !== undefined) return ended.stopped!.reason;
  const continued = above.map(({ turn }) => stoppedLoopOf(parts, live, turn)).find((one) => one !== null);
  if (continued !== undefined) return continued!.stopped!.reason;
  return above.some(({ turn, owner }) => turn.tooFast && (isLoop(owner) || policy.loops.interactive)) ? 'it spends money too fast' : null;
}

function chainInSession(live: Live, agent: Agent): Agent[] {
  return chainOf(live.session, agent.id, () => undefined).map((seat) => seat.agent);
}

async function exhausted(parts: Parts, scopes: readonly Scope[]): Promise<Exceeded | null> {
  const limited = scopes.filter((scope) => scope.limit !== null);
  const balances = await parts.ledger.balances(limited.map((scope) => scope.key));
  const index = balances.findIndex((balance, at) => counted(balance) >= limited[at]!.limit!);
  if (index < 0) return null;
  const scope = limited[index]!;
  return { scope, limit: scope.limit!, spent: counted(balances[index]!) };
}

/** What a refusal leaves behind: the reason on the agent it ends, and a row in the book. */
export function noteRefusal(parts: Parts, live: Live, agent: Agent, quotes: readonly Quote[], why: Refusal): void {
  noteRefused(live, why.code);
  if (why.ends !== null) {
    const { stopped } = agent;
    // The first reason is the one a report needs; further attempts are counted on it.
    if (stopped === null || stopped.code !== why.code) agent.stopped = { code: why.code, reason: why.ends, attempts: Math.max(1, agent.iterations), at: parts.clock() };
    else stopped.attempts += 1;
    parts.sessions.save(live, agent);
  }
  noteCalls(parts, live, agent, quotes, { what: 'refused', code: why.code });
}

/** In shadow: these would have been refused, asked about or ended, for `code`. */
export function noteShadow(parts: Parts, live: Live, agent: Agent, calls: readonly Call[], { code }: { code: string }): void {
  for (const call of calls) {
    parts.ledger.note({ what: 'shadow', code, origin: originOf(live, agent), tool: call.tool, endpoint: callLabel(call), requests: call.times, at: parts.clock() });
    parts.watched('shadow: would have been refused', { code, call: callLabel(call), agent: agent.name, session: live.session.id });
  }
}

/** In shadow: this would have been paid. */
export function notePayment(parts: Parts, live: Live, agent: Agent, call: Call, amount: bigint): void {
  parts.ledger.note({ what: 'shadow', origin: originOf(live, agent), tool: call.tool, endpoint: callLabel(call), requests: call.times, saved: amount, at: parts.clock() });
  parts.watched('shadow: would have been paid', { amount: formatDollars(amount), call: callLabel(call), agent: agent.name, session: live.session.id });
}

/** Calls that moved no money. `saved`: for each of a hit's calls. */
export function noteCalls(parts: Parts, live: Live, agent: Agent, quotes: readonly Quote[], note: { what: 'free' } | { what: 'refused'; code: string } | { what: 'hit'; saved: bigint }): void {
  for (const { call } of quotes) {
    parts.ledger.note({ ...note, origin: originOf(live, agent), tool: call.tool, endpoint: callLabel(call), requests: call.times, at: parts.clock() });
  }
}
