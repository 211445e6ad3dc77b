import { MAIN, visibleParent, type Agent, type Link, type Session } from '../core/tree.ts';
import type { Place } from '../contract/views.ts';
import type { Parts } from '../pipeline/parts.ts';
import { isAccount } from '../pipeline/scopes.ts';

/** The sessions and how they hang together, as a person is shown them: turns only where they hold a budget, nested sessions below their agent. */
export interface Forest {
  /** Ids, the one that spoke last first. */
  newest: readonly string[];
  session(id: string): Session | undefined;
  runOf(id: string): string;
  /** Sessions that agents of this one started, oldest first. */
  nested(id: string): Session[];
  /** The session and everything below it, parents first. */
  family(root: Session): Session[];
  isShown(session: Session, agent: Agent): boolean;
  /** Everyone who shows in a session, parents first. */
  shown(session: Session): Agent[];
  /** Under whom an agent's own spending is shown: a turn's under `main`, unless it has a budget of its own. */
  shownId(session: Session | undefined, agent: string): string;
  nameOf(session: Session | undefined, agent: string): string;
  parentOf(session: Session, agent: Agent): Place | null;
}

/** How far back nested sessions are looked for. */
const RECENT = 2_000;

/** Deeper than any real nesting, as in `core/tree.ts`. */
const MAX_DEPTH = 32;

/**
 * Stored sessions are read from the roster, not through `sessions.get`: a look at last month must not push a session that
 * is at work out of memory.
 */
export function readForest(parts: Parts): Forest {
  const live = new Map(parts.sessions.all().map((one) => [one.session.id, one.session]));
  const stored = new Map<string, Session | undefined>();
  const names = new Map<string, string>();
  const known = knownSessions(parts);
  const children = nestedIds(known);
  const runs = new Map(known.map(({ id, run }) => [id, run]));

  function session(id: string): Session | undefined {
    const atWork = live.get(id);
    if (atWork !== undefined) return atWork;
    if (!stored.has(id)) stored.set(id, parts.roster.session(id));
    return stored.get(id);
  }

  /** Most turns are main's; only one that holds a budget is told apart. */
  function isShown(one: Session, agent: Agent): boolean {
    return agent.kind !== 'turn' || isAccount(one, agent, parts.policies.of(one)?.policy.agents ?? [], parts.directives);
  }

  function nested(id: string): Session[] {
    return (children.get(id) ?? []).map(session).filter((one) => one !== undefined);
  }

  function family(root: Session): Session[] {
    const found = new Map([[root.id, root]]);
    for (const one of found.values()) for (const below of nested(one.id)) if (!found.has(below.id)) found.set(below.id, below);
    return [...found.values()];
  }

  function shownId(one: Session | undefined, agent: string): string {
    const found = one?.agents.get(agent);
    if (found !== undefined) return isShown(one!, found) ? agent : (visibleParent(one!, found, (other) => isShown(one!, other)) ?? MAIN);
    // An agent whose row a crash swallowed; turns are named so by `sessions.ts`.
    return agent.startsWith('turn-') ? MAIN : agent;
  }

  function parentOf(one: Session, agent: Agent): Place | null {
    if (agent.id !== MAIN) return { session: one.id, agent: visibleParent(one, agent, (other) => isShown(one, other)) ?? MAIN };
    if (one.parent === null) return null;
    return { session: one.parent.session, agent: shownId(session(one.parent.session), one.parent.agent) };
  }

  /** `researcher-1/claude-2` is the second client that researcher-1 started; its agents follow after another dash. */
  function sessionName(one: Session, depth: number): string {
    const given = names.get(one.id);
    if (given !== undefined) return given;
    const above = one.parent === null || depth > MAX_DEPTH ? undefined : session(one.parent.session);
    const name = above === undefined ? '' : `${agentName(above, shownId(above, one.parent!.agent), depth + 1)}/claude-${place(above, one)}`;
    names.set(one.id, name);
    return name;
  }

  /** Among the sessions that the same agent started. */
  function place(above: Session, one: Session): number {
    const by = shownId(above, one.parent!.agent);
    const twins = nested(above.id).filter((other) => shownId(above, other.parent!.agent) === by);
    return Math.max(0, twins.findIndex((other) => other.id === one.id)) + 1;
  }

  function agentName(one: Session | undefined, agent: string, depth = 0): string {
    const own = one?.agents.get(agent)?.name ?? agent;
    const prefix = one === undefined ? '' : sessionName(one, depth);
    if (prefix === '') return own;
    return agent === MAIN ? prefix : `${prefix}/${own}`;
  }

  return {
    newest: [...known].sort((a, b) => b.lastSeen - a.lastSeen).map((one) => one.id),
    session,
    runOf: (id) => runs.get(id) ?? id,
    nested,
    family,
    shownId,
    parentOf,
    isShown,
    shown: (one) => [...one.agents.values()].filter((agent) => isShown(one, agent)),
    nameOf: agentName,
  };
}

interface Known {
  id: string;
  startedAt: number;
  parent: Link | null;
  run: string;
  lastSeen: number;
}

/** Those at work are asked too: the roster is written behind. */
function knownSessions(parts: Parts): Known[] {
  const known = new Map<string, Known>();
  for (const { session, lastSeen } of parts.sessions.all()) known.set(session.id, { id: session.id, startedAt: session.startedAt, parent: session.parent, run: session.run, lastSeen });
  for (const one of parts.roster.recent(RECENT)) if (!known.has(one.id)) known.set(one.id, { id: one.id, startedAt: one.startedAt, parent: one.parent, run: one.run, lastSeen: one.startedAt });
  return [...known.values()].sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1));
}

/** Parent session → the sessions it started, oldest first. */
function nestedIds(known: readonly Known[]): Map<string, string[]> {
  const children = new Map<string, string[]>();
  for (const one of known) {
    if (one.parent === null) continue;
    const siblings = children.get(one.parent.session);
    if (siblings === undefined) children.set(one.parent.session, [one.id]);
    else siblings.push(one.id);
  }
  return children;
}
