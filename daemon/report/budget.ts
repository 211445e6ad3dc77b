import { ZERO, type Balance, type Scope } from '../core/transfer.ts';
import { MAIN, roleOf, type Agent, type Session } from '../core/tree.ts';
import type { ApprovalView } from '../contract/approval-views.ts';
import type { AgentView, BudgetView, ScopeView } from '../contract/views.ts';
import type { Parts } from '../pipeline/parts.ts';
import { agentScope, runScope, sessionScope } from '../pipeline/scopes.ts';
import { sessionKilled } from '../pipeline/kill-switch.ts';
import { approvalView } from './approvals.ts';
import { readForest, type Forest } from './forest.ts';
import { emptyTally, tallyBy, type Tally } from './tally.ts';
import { scopeOf, scopesOf, spending, stopInForce, stopView } from './standing.ts';

interface Seat {
  session: Session;
  agent: Agent;
  scopes: Scope[];
  children: Seat[];
}

/** Who has spent what of which budget at this moment: every scope of the session, and the tree of its agents. */
export async function budgetView(parts: Parts, live: { session: Session }, forest: Forest = readForest(parts)): Promise<BudgetView> {
  const { session } = live;
  const seats = forest.family(session).flatMap((one) => forest.shown(one).map((agent): Seat => ({ session: one, agent, scopes: scopesOf(parts, forest, one, agent.id), children: [] })));
  const root = hang(forest, session, seats);
  const shown = root.scopes.filter((scope) => isShown(session, scope));
  const balanceOf = await readBalances(parts, [...shown.map((scope) => scope.key), ...seats.map((seat) => scopeOf(seat.session, seat.agent))]);
  const scopes = shown.map((scope): ScopeView => ({ scope: scope.kind as ScopeView['scope'], label: scope.label, ...spending(balanceOf(scope.key), scope.limit) }));
  const cached = await cachedIn(parts, forest, session);
  return {
    session: session.id,
    mode: parts.policies.of(session)?.policy.mode ?? 'enforce',
    cwd: session.cwd,
    at: parts.clock(),
    utilizationRate: scopes.find((one) => one.scope === 'session')?.utilizationRate ?? null,
    scopes,
    killSwitch: sessionKilled(parts, session),
    cacheHits: cached.hits,
    cacheSavings: cached.saved.toString(),
    tree: draw(parts, forest, root, balanceOf),
    approvals: approvalsIn(parts, forest, session),
    problems: [
      ...parts.policies.problems(withOptionsOfNow(forest, session)).map(({ says, stays }) => `${says}; ${stays}`),
      ...parts.policies.remarks(session),
    ],
  };
}

/**
 * The plugin's options are the user's, and a session keeps what they were at its last prompt. Who has mended a wrong one is not told of it
 * by a session that has ended before: the session that spoke last knows.
 */
function withOptionsOfNow(forest: Forest, session: Session): Session {
  const newest = forest.newest.map(forest.session).find((one) => one !== undefined && one.parent === null);
  return newest === undefined ? session : { ...session, options: newest.options };
}

function approvalsIn(parts: Parts, forest: Forest, session: Session): ApprovalView[] {
  const waiting = parts.approvals.list();
  if (waiting.length === 0) return [];
  const family = new Set(forest.family(session).map(({ id }) => id));
  return waiting.filter((one) => family.has(one.session)).map((one) => approvalView(forest, one));
}

async function cachedIn(parts: Parts, forest: Forest, session: Session): Promise<Tally> {
  const sums = await Promise.all(forest.family(session).map((one) => parts.ledger.sums({ session: one.id })));
  return tallyBy(sums.flat(), () => '').get('') ?? emptyTally();
}

/** The root of the tree, with everyone hung where they belong. Whose parent is not there hangs on the root. */
function hang(forest: Forest, session: Session, seats: readonly Seat[]): Seat {
  const byPlace = new Map(seats.map((seat) => [agentScope(seat.session.id, seat.agent.id), seat]));
  const root = byPlace.get(agentScope(session.id, MAIN))!;
  for (const seat of seats) {
    if (seat === root) continue;
    const parent = forest.parentOf(seat.session, seat.agent);
    const above = parent === null ? undefined : byPlace.get(agentScope(parent.session, parent.agent));
    (above ?? root).children.push(seat);
  }
  return root;
}

/** Session and day always; the run and the project where they say something of their own; of agents those that bind from above. */
function isShown(session: Session, scope: Scope): boolean {
  switch (scope.kind) {
    case 'run':
      return scope.limit !== null || scope.key !== runScope(session.id);
    case 'project':
      return scope.limit !== null;
    case 'agent':
      // The session's own agents stand in the tree.
      return scope.limit !== null && !scope.key.startsWith(agentScope(session.id, ''));
    case 'session':
      return scope.limit !== null || scope.key === sessionScope(session.id);
    default:
      return true;
  }
}

async function readBalances(parts: Parts, keys: readonly string[]): Promise<(key: string) => Balance> {
  const balances = await parts.ledger.balances(keys);
  const byKey = new Map(keys.map((key, index) => [key, balances[index]!]));
  return (key) => byKey.get(key) ?? ZERO;
}

function draw(parts: Parts, forest: Forest, seat: Seat, balanceOf: (key: string) => Balance): AgentView {
  const { session, agent, scopes } = seat;
  const balance = balanceOf(scopeOf(session, agent));
  const below = seat.children.reduce((sum, child) => sum + balanceOf(scopeOf(child.session, child.agent)).posted, 0n);
  const keys = scopes.map((scope) => scope.key);
  const killed = parts.directives.killed(keys);
  const stopped = stopInForce(parts, forest, session, agent, keys);
  return {
    agentId: forest.nameOf(session, agent.id),
    id: agent.id,
    session: session.id,
    role: roleOf(agent.name),
    type: agent.type,
    kind: agent.kind,
    ...spending(balance, scopes[0]?.limit ?? null),
    // All that is charged below is charged here as well, so what is left is the agent's own.
    own: (balance.posted - below).toString(),
    state: killed || stopped !== null ? 'stopped' : isOver(session, agent) ? 'ended' : 'working',
    killed,
    stopped: stopped === null ? null : stopView(stopped),
    iterations: agent.iterations,
    children: seat.children.map((child) => draw(parts, forest, child, balanceOf)),
  };
}

/** A loop, or a turn with a budget, is at work for as long as its turn is the one in progress. */
function isOver(session: Session, agent: Agent): boolean {
  return agent.endedAt !== null || session.endedAt !== null || ((agent.kind === 'loop' || agent.kind === 'turn') && session.turn !== agent.id);
}
