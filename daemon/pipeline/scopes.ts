import { smaller } from '../core/amount.ts';
import { limitsOf, type AgentLimits, type AgentRule, type Policy } from '../core/policy.ts';
import type { Scope } from '../core/transfer.ts';
import { chainOf, type Agent, type Seat, type Session } from '../core/tree.ts';
import type { PolicyInForce } from '../config/policies.ts';
import type { Directives } from './directives.ts';
import type { Parts } from './parts.ts';
import type { Live } from './sessions.ts';

/** The accounts a call is charged to, with the limits in force, narrowest first. */
export interface Standing {
  chain: Seat[];
  scopes: Scope[];
  /** What the agent's own rules, and those above it as far as it inherits them, allow. */
  limits: AgentLimits;
}

export const agentScope = (session: string, agent: string): string => `agent:${session}/${agent}`;
export const sessionScope = (session: string): string => `session:${session}`;
export const runScope = (run: string): string => `run:${run}`;
export const projectScope = (project: string): string => `project:${project}`;
export const dayScope = (day: string): string => `day:${day}`;

/** A standing, and everything it was worked out from; it holds until one of these is another. */
interface Remembered {
  standing: Standing;
  inForce: PolicyInForce;
  orders: number;
  shape: number;
  day: string;
}

const remembered = new WeakMap<Agent, Remembered>();

/** The standing of an agent now. An agent calls often and its limits change seldom, so it is worked out once for many calls. */
export function currentStanding(parts: Parts, live: Live, agent: Agent, inForce: PolicyInForce, at: number): Standing {
  const { session } = live;
  const facts = { inForce, orders: parts.directives.version(), shape: live.shape, day: parts.dayOf(at) };
  const known = remembered.get(agent);
  if (known !== undefined && known.inForce === inForce && known.orders === facts.orders && known.shape === facts.shape && known.day === facts.day) return known.standing;
  const policyOf = (one: Session): Policy => parts.policies.of(one)?.policy ?? inForce.policy;
  const standing = standingOf(session, agent.id, policyOf, facts.day, parts.directives, (id) => parts.sessions.get(id)?.session);
  // What hangs below another session changes with that one's tree as well, which this one's facts do not show.
  if (session.parent === null) remembered.set(agent, { standing, ...facts });
  return standing;
}

export function standingOf(
  session: Session,
  agentId: string,
  policyOf: (session: Session) => Policy,
  day: string,
  directives: Directives,
  sessionById: (id: string) => Session | undefined,
): Standing {
  const chain = chainOf(session, agentId, sessionById);
  const scopes: Scope[] = [];
  const add = (kind: Scope['kind'], key: string, label: string, limit: bigint | null): void => {
    scopes.push({ kind, key, label, limit: directives.limit(key) ?? limit });
  };
  let limits: AgentLimits | null = null;
  for (const seat of chain) {
    const own = limitsOf(seat.agent, rulesFor(seat.agent, policyOf(seat.session).agents));
    add('agent', agentScope(seat.session.id, seat.agent.id), seat.agent.name, own.agentBudget);
    limits = limits === null ? own : limits.inheritParentPolicy ? inherit(limits, own) : limits;
  }
  const sessions = [...new Set(chain.map((seat) => seat.session))];
  sessions.forEach((one, index) => add('session', sessionScope(one.id), index === 0 ? 'this session' : 'the session that started this one', policyOf(one).sessionBudget));
  const policy = policyOf(session);
  // A client that an agent started elsewhere, or under another run's name, is still the work of whoever started it.
  each(sessions, ({ run }) => run, (run, one, isOwn) => add('run', runScope(run), isOwn ? 'this run' : 'the run it was started in', policyOf(one).runBudget));
  each(sessions, ({ project }) => project, (project, one, isOwn) => add('project', projectScope(project), isOwn ? 'this project' : 'the project it was started in', policyOf(one).projectBudget));
  add('day', dayScope(day), 'today', policy.dailyBudget);
  return { chain, scopes, limits: limits ?? limitsOf({ id: agentId, name: agentId, type: agentId }, []) };
}

/** Whether a turn has a budget of its own: by a rule that names it, or by a person's word. Loops and subagents always are accounts. */
export function isAccount(session: Session, agent: Agent, rules: readonly AgentRule[], directives: Pick<Directives, 'limit'>): boolean {
  if (agent.kind !== 'turn') return true;
  return directives.limit(agentScope(session.id, agent.id)) !== undefined || rulesFor(agent, rules).some((rule) => rule.agentBudget !== null);
}

/** Of several sessions with the same, the first; of the own one it is the own. */
function each(sessions: readonly Session[], of: (session: Session) => string, add: (value: string, session: Session, isOwn: boolean) => void): void {
  const seen = new Set<string>();
  sessions.forEach((session, index) => {
    const value = of(session);
    if (seen.has(value)) return;
    seen.add(value);
    add(value, session, index === 0);
  });
}

/** A turn that is not known to be a loop is nobody's subagent: only a rule that names it speaks of it, `"*"` does not. */
function rulesFor(agent: Agent, rules: readonly AgentRule[]): readonly AgentRule[] {
  return agent.kind === 'turn' ? rules.filter((rule) => rule.pattern === agent.type && rule.pattern !== 'loop') : rules;
}

/** A child of a narrow agent is at least as narrow. Budgets need no inheriting: the child's spending counts above. */
function inherit(child: AgentLimits, parent: AgentLimits): AgentLimits {
  return {
    agentBudget: child.agentBudget,
    maxPerRequest: smaller(child.maxPerRequest, parent.maxPerRequest),
    approveAbove: smaller(child.approveAbove, parent.approveAbove),
    allowedEndpoints: [...child.allowedEndpoints, ...parent.allowedEndpoints],
    blockedEndpoints: [...child.blockedEndpoints, ...parent.blockedEndpoints],
    inheritParentPolicy: parent.inheritParentPolicy,
  };
}
