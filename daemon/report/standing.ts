import { ratio, type Micros } from '../core/amount.ts';
import { DEFAULT_POLICY, type Policy } from '../core/policy.ts';
import { counted, type Balance, type Scope } from '../core/transfer.ts';
import { MAIN, type Agent, type Session, type Stopped } from '../core/tree.ts';
import type { Spending, StopView } from '../contract/views.ts';
import type { Parts } from '../pipeline/parts.ts';
import { agentScope, standingOf } from '../pipeline/scopes.ts';
import type { Forest } from './forest.ts';

/** Shown where no policy is in force: nothing that costs may happen then, and no limit is invented for it. */
const NO_POLICY: Policy = { ...DEFAULT_POLICY, maxPerRequest: null, sessionBudget: null, dailyBudget: null };

/** The accounts of an agent with the limits in force now, raises included, narrowest first: the agent's own is the first. */
export function scopesOf(parts: Parts, forest: Forest, session: Session, agent: string): Scope[] {
  const policyOf = (one: Session): Policy => parts.policies.of(one)?.policy ?? NO_POLICY;
  return standingOf(session, agent, policyOf, parts.dayOf(parts.clock()), parts.directives, forest.session).scopes;
}

export function spending(balance: Balance, limit: Micros | null): Spending {
  const used = counted(balance);
  return {
    spent: balance.posted.toString(),
    reserved: balance.reserved.toString(),
    held: balance.held.toString(),
    limit: limit === null ? null : limit.toString(),
    remaining: limit === null ? null : (used > limit ? 0n : limit - used).toString(),
    utilizationRate: limit === null ? null : ratio(used, limit),
  };
}

/** Why this agent was ended and has not been let go on since, or null. */
export function stopInForce(parts: Parts, forest: Forest, session: Session, agent: Agent, scopes: readonly string[]): Stopped | null {
  const stopped = agent.id === MAIN ? turnStop(forest, session) : agent.stopped;
  return stopped !== null && stopped.at > parts.directives.resumedAt(scopes) ? stopped : null;
}

/** Main's own calls are a turn's; one that was ended is over when the next begins. */
function turnStop(forest: Forest, session: Session): Stopped | null {
  const turn = session.turn === null ? session.agents.get(MAIN) : session.agents.get(session.turn);
  return turn === undefined || (turn.id !== MAIN && forest.isShown(session, turn)) ? null : turn.stopped;
}

/** Every stop of an agent, oldest first, for the record; those of its turns are main's. */
export function stopsOf(forest: Forest, session: Session, agent: string): Stopped[] {
  const all = [...session.agents.values()].filter((one) => one.stopped !== null && forest.shownId(session, one.id) === agent);
  return all.map((one) => one.stopped!).sort((a, b) => a.at - b.at);
}

export function stopView(stopped: Stopped): StopView {
  return { code: stopped.code, reason: stopped.reason, attempts: stopped.attempts, at: stopped.at };
}

export const scopeOf = (session: Session, agent: Agent): string => agentScope(session.id, agent.id);
