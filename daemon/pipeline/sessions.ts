import { beginTurn, type Turn } from '../core/loop.ts';
import { MAIN, UNTYPED, withSubagent, type Agent, type Link, type Session } from '../core/tree.ts';
import type { Clock, Roster } from '../ports.ts';
import { launcherOf, type Launch } from './launches.ts';
import type { Round } from './outside-loops.ts';
import type { Repeated } from './repeats.ts';
import type { Schedule } from './schedules.ts';
import { readMeta, type Meta } from './subagent-files.ts';
import { teammateIn } from './teammates.ts';

/** A session at work: what is kept of it, and what only matters while it lives. */
export interface Live {
  session: Session;
  /** The turn on the main thread; null until the first prompt that this daemon saw. */
  turn: Turn | null;
  /** The rounds of subagents, by agent: a SubagentStop hook can drive one as a Stop hook drives the main thread. */
  rounds: Map<string, Turn>;
  /** Bash commands in flight by tool call id. */
  running: Map<string, Running>;
  /** Those whose call has ended, as the client tells it, and that may have left something at work; by tool call id. */
  background: Map<string, Running>;
  /** POSTs that were paid for, by digest, and what was paid for again though it was the same (`repeats.ts`). */
  paidPosts: Set<string>;
  repeated: Map<string, Repeated>;
  /** Agents that have run a command in it. */
  shellUsers: Set<string>;
  /** MCP calls in flight by tool call id. */
  calling: Map<string, Calling>;
  /** As the last event told it; it changes while a session runs. */
  permissionMode: string | null;
  /** Its requests have to leave by another proxy, so none comes to the gateway. */
  ownProxy: boolean;
  /** Agent calls by tool call id: who made it, and what type of agent it asked for. A child's `meta.json` names the id. */
  spawning: Map<string, Spawning>;
  /** Loops that the client's own clock wakes, by the digest of their prompt (`schedules.ts`). */
  schedules: Map<string, Schedule>;
  /** Commands that handed work to a program beyond the client, newest last: a client may come of them (`launches.ts`). */
  launches: Launch[];
  /** Prompts of a session that nobody sits at, newest last (`outside-loops.ts`). */
  prompts: Round[];
  /** Sentences for the person that wait for an event of the main thread; a subagent's never reach the screen. */
  notices: string[];
  /** Sentences for the agents that asked, until the next end of a call of theirs. */
  hints: Hint[];
  lastSeen: number;
  /** Grows whenever an agent comes, is named or becomes a loop: what was worked out from the tree is out of date then. */
  shape: number;
}

export interface Spawning {
  agent: string;
  type: string;
  /** The name that the call gave the new agent; empty: none. */
  name: string;
  running: boolean;
  born: boolean;
}

/** A Bash command: which agent started a nested session, and whom the gateway charges. */
export interface Running {
  id: string;
  agent: string;
  command: string;
  /** Something it starts may go on when its shell has ended. */
  outlives: boolean;
  /** It runs where the client's sandbox leads to the gateway. */
  sandboxed: boolean;
  /** ms since the epoch: when it was let run. null: not yet. */
  begunAt: number | null;
  /** When the client told of its end. null: not yet. */
  endedAt: number | null;
  /** The client's name for it in the background, and for the file that its output goes to. null: it has none, or none yet. */
  task: string | null;
  /** The client was asked to run it in the background. */
  inBackground: boolean;
  /** Its shell, once that was seen. */
  shell: number | null;
  /** Requests the hook has charged already, since the gateway cannot read them: it lets as many connections pass. */
  charged: { host: string; left: number }[];
  /** µ$: the dearest of its requests as the hook knew it, which a person was asked about where that is needed. */
  approvedUpTo: bigint;
  /** Ids of the payments about which the client asked its person before it let the command run. */
  approvals: readonly string[];
  /** In shadow: the hook has written down that it would not have run so. */
  noted?: boolean;
  /** Alerts of the gateway, for the agent's context when the call ends. */
  alerts: string[];
}

/** An MCP call in flight: whoever pays for it does so for the agent that made it. */
export interface Calling {
  agent: string;
  /** As the client names it. */
  tool: string;
  input: Readonly<Record<string, unknown>>;
  /** Ids of the payments about which the client asked its person before it let the call run. */
  approvals: readonly string[];
  /** In shadow: the hook has written down that it would not have run so. */
  noted?: boolean;
  /** For the agent's context when the call ends. */
  alerts: string[];
  /** µ$ */
  paid: bigint;
}

export interface Hint {
  agent: string;
  text: string;
  /** ms since the epoch: then it is of no use any more. */
  until: number;
}

export interface Registration {
  id: string;
  cwd: string;
  project: string;
  ownProxy?: boolean;
  transcript: string | null;
  attended: boolean;
  clientPid: number | null;
  clientLife?: string | null;
  options: Record<string, string>;
  run: string | null;
  parentSession: string | null;
  /** The processes above the one that registers, nearest first. */
  ancestors: readonly { pid: number; command: string }[];
}

/** Nothing is in flight yet. */
export function atWork(session: Session, now: number): Live {
  return { session, turn: null, rounds: new Map(), running: new Map(), background: new Map(), shellUsers: new Set(), paidPosts: new Set(), repeated: new Map(), calling: new Map(), permissionMode: null, ownProxy: false, spawning: new Map(), schedules: new Map(), launches: [], prompts: [], notices: [], hints: [], lastSeen: now, shape: 0 };
}

export interface Sessions {
  get(id: string): Live | undefined;
  register(registration: Registration): Live;
  /** The agent an event belongs to; a subagent that was not seen yet is added, with its parent from `meta.json`. */
  agentOf(live: Live, agentId: string | undefined, agentType: string | undefined): Agent;
  /** Whether the client has written where the agent hangs. */
  hasMeta(live: Live, agentId: string): boolean;
  /** The edge as the parent's own Agent result tells it. */
  learnChild(live: Live, child: { id: string; type: string; given?: string; parent: string }): void;
  beginTurn(live: Live, promptId: string, command: string | null): Turn;
  /** A turn that was put aside while another went on. */
  takeUp(live: Live, turn: Turn): void;
  /** The turn proved to be a loop: from now on it is an agent that everybody sees. */
  recogniseLoop(live: Live, turn: Turn): Agent;
  save(live: Live, agent?: Agent): void;
  all(): Live[];
  /** All, and those that were at work when this daemon came: they are known by their next event, and may be needed before. */
  recalled(): Live[];
}

/** Sessions that may have been at work when this daemon came. */
const RECALLED = 50;

/** Sessions kept in memory, ended ones last; the others are read back when they speak again. */
const MAX_LIVE = 500;

export function createSessions(roster: Roster, clock: Clock): Sessions {
  const live = new Map<string, Live>();
  let isRecalled = false;

  function get(id: string): Live | undefined {
    const known = live.get(id);
    if (known !== undefined) return known;
    const session = roster.session(id);
    if (session === undefined) return undefined;
    return remember(session);
  }

  function remember(session: Session): Live {
    const one = atWork(session, clock());
    const turn = session.turn === null ? undefined : session.agents?.get(session.turn);
    if (turn !== undefined) continueTurn(one, turn);
    live.set(session.id, one);
    if (live.size > MAX_LIVE) forgetLeast();
    return one;
  }

  function forgetLeast(): void {
    const worth = (one: Live): number => (one.session.endedAt === null ? one.lastSeen : one.lastSeen - Number.MAX_SAFE_INTEGER);
    let least: Live | undefined;
    for (const one of live.values()) if (least === undefined || worth(one) < worth(least)) least = one;
    if (least !== undefined) live.delete(least.session.id);
  }

  function save(one: Live, agent?: Agent): void {
    roster.saveSession(one.session);
    if (agent === undefined) return;
    one.shape += 1;
    roster.saveAgent(one.session.id, agent);
  }

  function register(registration: Registration): Live {
    const known = get(registration.id);
    if (known !== undefined) return refresh(known, registration);
    const starter = parentOf(registration);
    const parent = starter === undefined ? claimedLink(registration) : linkBelow(starter, registration);
    const above = parent === null ? undefined : get(parent.session)?.session;
    const now = clock();
    const main: Agent = { id: MAIN, name: MAIN, type: MAIN, kind: 'main', parent: null, startedAt: now, endedAt: null, stopped: null, iterations: 0 };
    const session: Session = {
      id: registration.id,
      parent,
      // An agent must not leave its run by naming another, nor by saying who started it.
      run: starter?.session.run ?? registration.run ?? above?.run ?? registration.id,
      project: registration.project,
      cwd: registration.cwd,
      transcript: registration.transcript,
      attended: registration.attended && parent === null,
      clientPid: registration.clientPid,
      clientLife: registration.clientLife ?? null,
      options: registration.options,
      agents: new Map([[MAIN, main]]),
      turn: null,
      startedAt: now,
      endedAt: null,
    };
    const one = remember(session);
    one.ownProxy = registration.ownProxy ?? false;
    save(one, main);
    return one;
  }

  /**
   * Resumed, compacted, or a prompt: same session, same tree, same money. Where it hangs and where
   * its project lies were settled at its start: an agent must not shake off a project's limits by changing folders.
   */
  function refresh(one: Live, registration: Registration): Live {
    const { session } = one;
    session.transcript = registration.transcript ?? session.transcript;
    session.attended = registration.attended && session.parent === null;
    if (registration.clientPid !== null) Object.assign(session, { clientPid: registration.clientPid, clientLife: registration.clientLife ?? null });
    session.options = registration.options;
    session.endedAt = null;
    one.ownProxy = registration.ownProxy ?? false;
    one.lastSeen = clock();
    save(one);
    return one;
  }

  /**
   * Which agent's Bash started this session. The environment names the parent session; an agent that wiped it still is
   * below its own client's process. Which agent, when several commands are in flight, the shell above the nested client
   * tells: its command line holds the text of the Bash call.
   */
  function linkBelow(above: Live, registration: Registration): Link {
    const running = [...above.running.values(), ...above.background.values()];
    const lines = registration.ancestors.map((process) => bare(process.command));
    const named = running.filter(({ command }) => lines.some((line) => line.includes(bare(command))));
    const agents = new Set((named.length > 0 ? named : running).map((call) => call.agent));
    if (agents.size === 1) return { session: above.session.id, agent: [...agents][0]! };
    return { session: above.session.id, agent: mainThread(above) };
  }

  /** Below nobody's client, and without the environment of one: what its command line says is all there is. */
  function claimedLink(registration: Registration): Link | null {
    return teammateLink(registration) ?? launcherOf([...live.values()], registration, clock());
  }

  /** A client in a pane of its own, below nobody's client, that names the session and the agent it is. */
  function teammateLink(registration: Registration): Link | null {
    const told = teammateIn(registration.ancestors);
    const above = told === null || told.session === registration.id ? undefined : get(told.session);
    if (told === null || above === undefined) return null;
    const { session } = above;
    const known = session.agents.get(told.id) ?? [...session.agents.values()].findLast((agent) => agent.kind === 'subagent' && agent.name === told.name);
    if (known !== undefined) return { session: session.id, agent: known.id };
    const spawn = [...above.spawning.values()].find(({ name }) => name === told.name);
    const { agent } = withSubagent(session, { id: told.id, type: told.type || (spawn?.type ?? ''), given: told.name, parent: spawn?.agent ?? mainThread(above), at: clock() });
    if (spawn !== undefined) spawn.born = true;
    save(above, agent);
    return { session: session.id, agent: agent.id };
  }

  function parentOf(registration: Registration): Live | undefined {
    const named = registration.parentSession === null || registration.parentSession === registration.id ? undefined : get(registration.parentSession);
    if (named !== undefined) return named;
    const pids = new Set(registration.ancestors.map((process) => process.pid));
    return [...live.values()].find(
      ({ session }) => session.id !== registration.id && session.endedAt === null && session.clientPid !== null && session.clientPid !== registration.clientPid && pids.has(session.clientPid),
    );
  }

  function agentOf(one: Live, agentId: string | undefined, agentType: string | undefined): Agent {
    const { session } = one;
    one.lastSeen = clock();
    if (agentId === undefined) return session.agents.get(one.turn?.agent ?? MAIN) ?? session.agents.get(MAIN)!;
    const known = session.agents.get(agentId);
    if (known !== undefined && (known.type !== UNTYPED || (agentType ?? '') === '')) return known;
    return addSubagent(one, agentId, agentType ?? '', 0);
  }

  /** Who on the main thread starts what names no parent: the turn in progress, unless it was ended. */
  function mainThread(one: Live): string {
    const turn = one.turn === null ? undefined : one.session.agents.get(one.turn.agent);
    return turn === undefined || turn.stopped !== null ? MAIN : turn.id;
  }

  function addSubagent(one: Live, id: string, type: string, depth: number): Agent {
    const meta = readMeta(one.session, id);
    const spawn = spawnOf(one, meta);
    // A nested agent's own parent may not have spoken yet; its meta file is there all the same.
    const parentId = meta?.parentAgentId ?? spawn?.agent ?? (isMains(meta) ? undefined : soleSpawner(one, type));
    if (parentId !== undefined && !one.session.agents.has(parentId) && depth < 32) {
      addSubagent(one, parentId, readMeta(one.session, parentId)?.agentType ?? '', depth + 1);
    }
    const born = spawn ?? (meta?.toolUseId === undefined && !isMains(meta) ? [...one.spawning.values()].find((call) => call.running && !call.born) : undefined);
    const { agent, changed } = withSubagent(one.session, { id, type: meta?.spawnedAgentType || type || meta?.agentType || '', given: meta?.name ?? spawn?.name ?? '', parent: parentId ?? mainThread(one), at: clock() });
    if (born !== undefined) born.born = true;
    if (changed) save(one, agent);
    return agent;
  }

  /** A daemon that was replaced in the middle of a turn takes it up where it stood. */
  function continueTurn(one: Live, agent: Agent): Turn {
    one.session.turn = agent.id;
    one.turn = { ...beginTurn(agent.id, agent.type === 'loop' ? null : agent.type), iterations: agent.iterations };
    return one.turn;
  }

  /** The Agent call that an agent came of, where its file tells: by the call's id, else (teammates) by the name it was given. */
  function spawnOf(one: Live, meta: Meta | undefined): Spawning | undefined {
    if (meta?.toolUseId !== undefined) return one.spawning.get(meta.toolUseId);
    return meta?.name === undefined ? undefined : [...one.spawning.values()].findLast(({ name }) => name === meta.name);
  }

  /** What a workflow or a forked skill starts names no call; at depth 1 nobody but the main thread has started it. */
  function isMains(meta: Meta | undefined): boolean {
    return meta?.spawnDepth !== undefined && meta.spawnDepth <= 1 && meta.toolUseId === undefined;
  }

  /** A client that writes no meta file: when all Agent calls in flight that fit come from one agent, it is that one. */
  function soleSpawner(one: Live, type: string): string | undefined {
    const running = [...one.spawning.values()].filter((call) => call.running);
    const fitting = running.filter((call) => call.type === type);
    const callers = new Set((fitting.length > 0 ? fitting : running).map((call) => call.agent));
    return callers.size === 1 ? [...callers][0] : undefined;
  }

  return {
    get,
    register,
    agentOf,
    hasMeta: (one, agentId) => readMeta(one.session, agentId) !== undefined,
    save,
    learnChild(one, child) {
      const meta = readMeta(one.session, child.id);
      const type = child.type || meta?.spawnedAgentType || meta?.agentType || '';
      const { agent, changed } = withSubagent(one.session, { ...child, type, given: child.given || (meta?.name ?? ''), at: clock() });
      if (changed) save(one, agent);
    },
    beginTurn(one, promptId, command) {
      const { session } = one;
      const id = `turn-${promptId}`;
      const known = session.agents.get(id);
      if (known !== undefined) return continueTurn(one, known);
      const type = command ?? 'loop';
      const agent: Agent = { id, name: type, type, kind: 'turn', parent: MAIN, startedAt: clock(), endedAt: null, stopped: null, iterations: 0 };
      session.agents.set(id, agent);
      session.turn = id;
      one.turn = beginTurn(id, command);
      save(one, agent);
      return one.turn;
    },
    takeUp(one, turn) {
      one.session.turn = turn.agent;
      one.turn = turn;
      save(one);
    },
    recogniseLoop(one, turn) {
      const agent = one.session.agents.get(turn.agent)!;
      if (agent.kind === 'loop') return agent;
      const twins = [...one.session.agents.values()].filter((other) => other.kind === 'loop' && other.type === agent.type).length;
      agent.kind = 'loop';
      agent.name = twins === 0 ? agent.type : `${agent.type}-${twins + 1}`;
      save(one, agent);
      return agent;
    },
    all: () => [...live.values()],
    recalled() {
      if (!isRecalled) for (const { id } of roster.recent(RECALLED)) get(id);
      isRecalled = true;
      return [...live.values()];
    },
  };
}

/** A Bash call that is about to be decided about. */
export function bashCall(call: Pick<Running, 'id' | 'agent' | 'command'> & Partial<Running>): Running {
  return { outlives: false, sandboxed: false, begunAt: null, endedAt: null, task: null, inBackground: false, shell: null, charged: [], approvedUpTo: 0n, approvals: [], alerts: [], ...call };
}

/** A command as it may appear inside another's quotes. */
export function bare(text: string): string {
  return text.replace(/["'\\\s]/g, '');
}

