import type { AgentIdentity } from './policy.ts';

/**
 * The tree: sessions, and in each the agents that spend. A loop is an agent too; it begins life as a `turn`, the work
 * that one prompt set off, because that a Stop hook drives it is known only once its first iteration is over, and by
 * then its first iteration must already be on its account.
 */
export type AgentKind = 'main' | 'subagent' | 'turn' | 'loop';

export interface Agent extends AgentIdentity {
  kind: AgentKind;
  /** The agent in the same session that started it; null for `main` alone. */
  parent: string | null;
  startedAt: number;
  endedAt: number | null;
  /** Why pag0 ended it, where it did. */
  stopped: Stopped | null;
  /** It was told that nothing is left: at which call (null: by the gateway), and when. Ended is who asks again. */
  told?: { call: string | null; at: number };
  /** Rounds of a turn, a loop, or a subagent that another plugin's hook drives; else 0. */
  iterations: number;
  /** The command of the hook that drives this loop, as the client's transcript names it. */
  driver?: string;
}

export interface Stopped {
  code: string;
  reason: string;
  /** Iterations of a loop, else calls refused after it had been stopped. */
  attempts: number;
  at: number;
}

/** Where a nested `claude -p` hangs: the agent whose Bash command started it. */
export interface Link {
  session: string;
  agent: string;
}

export interface Session {
  id: string;
  parent: Link | null;
  run: string;
  /** The git common directory, so that worktrees are one project. */
  project: string;
  cwd: string;
  transcript: string | null;
  /** A person sits in front of it: neither `-p` nor started by an agent. */
  attended: boolean;
  clientPid: number | null;
  /** Which life of that process it is; null or absent: the system does not say. */
  clientLife?: string | null;
  /** What the person typed when the plugin was enabled. */
  options: Record<string, string>;
  agents: Map<string, Agent>;
  /** The turn in progress on the main thread: the agent that main's own calls are charged to. */
  turn: string | null;
  startedAt: number;
  endedAt: number | null;
}

export const MAIN = 'main';

/** One account holder of a call, narrowest first. */
export interface Seat {
  session: Session;
  agent: Agent;
}

/** Deeper than any real nesting; a guard against a parent chain that a broken file turned into a ring. */
const MAX_CHAIN = 64;

/**
 * Everyone a call of this agent is charged to: the agent, its ancestors up to `main`, then the agent that started the
 * session and its ancestors, and so on. A spend below always counts above.
 */
export function chainOf(session: Session, agentId: string, sessionById: (id: string) => Session | undefined): Seat[] {
  const chain: Seat[] = [];
  let current: Session | undefined = session;
  let id: string | null = agentId;
  while (current !== undefined && chain.length < MAX_CHAIN) {
    while (id !== null && chain.length < MAX_CHAIN) {
      const agent: Agent | undefined = current.agents.get(id);
      if (agent === undefined) break;
      chain.push({ session: current, agent });
      id = agent.parent;
    }
    const link: Link | null = current.parent;
    if (link === null) break;
    current = sessionById(link.session);
    id = link.agent;
  }
  return chain;
}

/** The nearest agent of the session that is above all of these, or one of them: what nobody can tell apart is charged to it. */
export function commonAncestor(session: Session, agentIds: readonly string[]): string {
  const [first, ...others] = agentIds.map((id) => lineUp(session, id));
  return first?.find((id) => others.every((line) => line.includes(id))) ?? MAIN;
}

function lineUp(session: Session, agentId: string): string[] {
  const line: string[] = [];
  for (let id: string | null = agentId; id !== null && line.length < MAX_CHAIN; id = session.agents.get(id)?.parent ?? null) line.push(id);
  return line;
}

/** The parts of a subagent's `meta.json`, or of its parent's Agent result, that say where it hangs. */
export interface Birth {
  id: string;
  type: string;
  /** The name that whoever started it gave it; empty: none. */
  given?: string;
  parent: string;
  at: number;
}

/**
 * Adds a subagent, or completes one that was already seen: events of twenty agents come in any order, and a Post may
 * come before its Start. A parent once known is never changed back.
 */
export function withSubagent(session: Session, birth: Birth): { agent: Agent; changed: boolean } {
  const known = session.agents.get(birth.id);
  const parent = session.agents.has(birth.parent) && birth.parent !== birth.id ? birth.parent : MAIN;
  const type = birth.type === '' ? UNTYPED : birth.type;
  if (known !== undefined) return { agent: known, changed: learn(session, known, type, birth.given ?? '') };
  const agent: Agent = {
    id: birth.id,
    ...namesFor(session, type, birth.given ?? ''),
    type,
    kind: 'subagent',
    parent,
    startedAt: birth.at,
    endedAt: null,
    stopped: null,
    iterations: 0,
  };
  session.agents.set(agent.id, agent);
  return { agent, changed: true };
}

/** The type of an agent of which only the id is known so far; its rules apply from the moment the type is told. */
export const UNTYPED = 'agent';

function learn(session: Session, agent: Agent, type: string, given: string): boolean {
  const named = given !== '' && agent.aliases === undefined;
  if (!named && (agent.type !== UNTYPED || type === UNTYPED)) return false;
  const known = agent.type === UNTYPED ? type : agent.type;
  const own = known === agent.type ? agent.name : nameFor(session, known);
  agent.type = known;
  Object.assign(agent, named ? namedBy(session, own, given) : { name: own });
  return true;
}

/** A name that a model may give: as long as a person would type it. */
const MAX_NAME = 64;

function namesFor(session: Session, type: string, given: string): Pick<Agent, 'name' | 'aliases'> {
  const own = nameFor(session, type);
  return given === '' ? { name: own } : namedBy(session, own, given);
}

/** Reports and orders call it by the name it was given; rules find it by that and by the name of its type. */
function namedBy(session: Session, own: string, given: string): Required<Pick<Agent, 'name' | 'aliases'>> {
  const wanted = given.replace(/[^\w.-]+/g, '-').slice(0, MAX_NAME);
  const taken = new Set([...session.agents.values()].map(({ name }) => name));
  let name = wanted;
  for (let count = 2; taken.has(name); count += 1) name = `${wanted}-${count}`;
  return { name, aliases: [own, wanted] };
}

/** `researcher-1`, `researcher-2`: a plugin's prefix is dropped, and the part up to the first dash is the role. */
export function nameFor(session: Session, type: string): string {
  const base = type.slice(type.lastIndexOf(':') + 1).replace(/[^\w.-]+/g, '-') || 'agent';
  let count = 1;
  for (const agent of session.agents.values()) if (agent.kind === 'subagent' && agent.type === type) count += 1;
  return `${base}-${count}`;
}

/** The role of `executor-1` is `executor`. */
export function roleOf(name: string): string {
  const dash = name.indexOf('-');
  return dash < 0 ? name : name.slice(0, dash);
}

/** What people call it: a turn that is no loop is the main thread's own work, whatever command began it. */
export function calledName(agent: Agent): string {
  return agent.kind === 'turn' ? MAIN : agent.name;
}

/** Whether this is work that a hook drives on, as opposed to a person or a parent agent. */
export function isLoop(agent: Agent): boolean {
  return agent.kind === 'loop' || (agent.kind === 'subagent' && agent.iterations > 0);
}

/** Agents at work right now, and how deep one sits (main's own children are at depth 1). */
export function activeSubagents(session: Session): number {
  let count = 0;
  for (const agent of session.agents.values()) if (agent.kind === 'subagent' && agent.endedAt === null) count += 1;
  return count;
}

export function depthOf(session: Session, agentId: string): number {
  let depth = 0;
  let id: string | null = agentId;
  while (id !== null && depth < MAX_CHAIN) {
    const agent: Agent | undefined = session.agents.get(id);
    if (agent === undefined) break;
    if (agent.kind === 'subagent') depth += 1;
    id = agent.parent;
  }
  return depth;
}

/** A tree to draw: turns are bookkeeping and are shown only where they hold an account of their own, as loops do. */
export function visibleParent(session: Session, agent: Agent, isShown: (agent: Agent) => boolean): string | null {
  let id = agent.parent;
  for (let steps = 0; id !== null && steps < MAX_CHAIN; steps += 1) {
    const parent = session.agents.get(id);
    if (parent === undefined) return null;
    if (isShown(parent)) return parent.id;
    id = parent.parent;
  }
  return null;
}
