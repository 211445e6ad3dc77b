import { formatDollars, smaller, type Micros } from './amount.ts';
import { callLabel } from './call.ts';
import { refusal, SCOPE_CODE, spentOf, type Refusal } from './errors.ts';
import { endpointAllowed, type AgentLimits, type Policy } from './policy.ts';
import { canCost, type Quote } from './price.ts';
import type { Exceeded } from './transfer.ts';

/**
 * The two questions every call is asked. `admit` needs no price; `authorize` has the quote. Both are pure: what is
 * spent, who is killed and what the clock says come in as values.
 */
export interface Admission {
  quotes: readonly Quote[];
  policy: Policy;
  limits: AgentLimits;
  agent: string;
  /** What `/pag0-resume` has to name so that paid calls go on; null: nobody has stopped them. */
  killed: string | null;
  /** The loop this agent belongs to was ended, and why. */
  loopEnded: string | null;
  /** A limited scope with nothing left, where one is known. */
  exhausted: Exceeded | null;
}

/** Whether the calls may happen at all. */
export function admit(facts: Admission): Refusal | null {
  const { policy, limits, agent } = facts;
  const costly = facts.quotes.filter(canCost);
  if (costly.length > 0) {
    if (facts.killed !== null) {
      const text = `paid calls are stopped by pag0's kill switch, so ${names(costly)} was not sent; stop and say so, only a person can lift it with /pag0-resume ${facts.killed}`;
      return refusal('KILL_SWITCH', text, { scope: agent }, 'paid calls are stopped by the kill switch');
    }
    if (facts.loopEnded !== null) {
      return refusal('LOOP_STOPPED', `this loop was ended because ${facts.loopEnded}, so ${names(costly)} was not sent; stop here and report what is done`, { scope: agent }, facts.loopEnded);
    }
  }
  for (const quoted of policy.strict ? facts.quotes : costly) {
    const { call } = quoted;
    const verdict = endpointAllowed(call.endpoint, call.tool, [...policy.allowedEndpoints, ...limits.allowedEndpoints], [...policy.blockedEndpoints, ...limits.blockedEndpoints]);
    if (!verdict.allowed) {
      return refusal('ENDPOINT_NOT_ALLOWED', `${agent} may not spend at ${callLabel(call)} (${verdict.rule}), so it was not sent; use an allowed source or go on without it`, { scope: agent });
    }
  }
  // A priced call meets its limits when it is reserved; one whose price nobody can know is stopped while nothing is left.
  if (facts.exhausted !== null && costly.length > 0) return overBudget(facts.exhausted, null, costly);
  return null;
}

export type Authorization = { verdict: 'reserve' } | { verdict: 'ask' } | { verdict: 'refuse'; refusal: Refusal };

/** Whether this price may be paid: the limit for one request first, then whether a person has to be asked. */
export function authorize(quotes: readonly Quote[], policy: Policy, limits: AgentLimits): Authorization {
  const perRequest = smaller(policy.maxPerRequest, limits.maxPerRequest);
  for (const quoted of quotes) {
    const each = quoted.amount / BigInt(quoted.call.times);
    if (perRequest !== null && each > perRequest) {
      const text = `${callLabel(quoted.call)} costs ${formatDollars(each)} and one request may cost ${formatDollars(perRequest)}, so it was not sent; use a cheaper source or go on without it`;
      return { verdict: 'refuse', refusal: refusal('REQUEST_LIMIT_EXCEEDED', text, { scope: 'request', limit: perRequest.toString(), price: each.toString() }) };
    }
  }
  const approveAbove = smaller(policy.approveAbove, limits.approveAbove);
  const amount = quotes.reduce((sum, quoted) => sum + quoted.amount, 0n);
  return approveAbove !== null && amount > approveAbove ? { verdict: 'ask' } : { verdict: 'reserve' };
}

/**
 * The refusal of a budget that does not pay for all of this. What would fit is named; where nothing does the agent is to
 * end, because nothing it can do will make the next call go through.
 */
export function overBudget(exceeded: Exceeded, price: Micros | null, quotes: readonly Quote[]): Refusal {
  const { scope, spent, limit } = exceeded;
  const cost = price === null ? `${names(quotes)} may cost money` : `${names(quotes)} costs ${formatDollars(price)}`;
  const why = `${scope.label} has spent ${spentOf(spent, limit)}`;
  const left = limit > spent ? limit - spent : 0n;
  const fit = price === null ? 0 : fitting(quotes, left);
  const next =
    fit > 0
      ? `${formatDollars(left)} is left, which pays for ${fit} of these ${priced(quotes)} calls: ask for no more than that, and finish with what you have then`
      : 'finish without paid calls, say what you have found and that the budget is spent, only a person can raise it with /pag0-budget raise';
  const text = `${cost} and ${why}, so it was not sent; ${next}`;
  const details = { scope: scope.label, spent: spent.toString(), limit: limit.toString(), ...(price === null ? {} : { price: price.toString() }) };
  return refusal(SCOPE_CODE[scope.kind], text, details, fit > 0 ? null : why);
}

function priced(quotes: readonly Quote[]): number {
  return quotes.reduce((sum, { amount, call }) => (amount > 0n ? sum + call.times : sum), 0);
}

/** How many of the calls what is left would pay for, the first ones first. */
function fitting(quotes: readonly Quote[], left: Micros): number {
  let rest = left;
  let count = 0;
  for (const { amount, call } of quotes) {
    const each = amount / BigInt(call.times);
    const paid = each <= 0n ? BigInt(call.times) : rest / each < BigInt(call.times) ? rest / each : BigInt(call.times);
    rest -= paid * each;
    if (each > 0n) count += Number(paid);
  }
  return count;
}

/** "api.tavily.com/search", "api.tavily.com/search and 2 more" */
export function names(quotes: readonly Quote[]): string {
  const labels = [...new Set(quotes.map((quoted) => callLabel(quoted.call)))];
  return labels.length <= 1 ? (labels[0] ?? 'the call') : `${labels[0]} and ${labels.length - 1} more`;
}
