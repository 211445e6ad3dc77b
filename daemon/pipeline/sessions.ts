import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beginTurn, type Turn } from '../core/loop.ts';
import { MAIN, UNTYPED, withSubagent, type Agent, type Link, type Session } from '../core/tree.ts';
import type { Clock, Roster } from '../ports.ts';
import type { Repeated } from './repeats.ts';

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
  spawning: Map<string, { agent: string; type: string; running: boolean; born: boolean }>;
  /** Sentences for the person that wait for an event of the main thread; a subagent's never reach the screen. */
  notices: string[];
  /** Sentences for the agents that asked, until the next end of a call of theirs. */
  hints: Hint[];
  lastSeen: number;
  /** Grows whenever an agent comes, is named or becomes a loop: what was worked out from the tree is out of date then. */
  shape: number;
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
  return { session, turn: null, rounds: new Map(), running: new Map(), background: new Map(), shellUsers: new Set(), paidPosts: new Set(), repeated: new Map(), calling: new Map(), permissionMode: null, ownProxy: false, spawning: new Map(), notices: [], hints: [], lastSeen: now, shape: 0 };
}

export interface Sessions {
  get(id: string): Live | undefined;
  register(registration: Registration): Live;
  /** The agent an event belongs to; a subagent that was not seen yet is added, with its parent from `meta.json`. */
  agentOf(live: Live, agentId: string | undefined, agentType: string | undefined): Agent;
  /** Whether the client has written where the agent hangs. */
  hasMeta(live: Live, agentId: string): boolean;
  /** The edge as the parent's own Agent result tells it. */
  learnChild(live: Live, child: { id: string; type: string; parent: string }): void;
  beginTurn(live: Live, promptId: string | null, command: string | null): Turn;
  /**
   * The turn proved to be a loop: from now on it is an agent that everybody sees. `ended`: a loop that was stopped
   * before and is driven on by the same hook; the new rounds are its own, and hang below it.
   */
  recogniseLoop(live: Live, turn: Turn, ended: Agent | null): Agent;
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
    const parent = linkOf(registration);
    const above = parent === null ? undefined : get(parent.session)?.session;
    const now = clock();
    const main: Agent = { id: MAIN, name: MAIN, type: MAIN, kind: 'main', parent: null, startedAt: now, endedAt: null, stopped: null, iterations: 0 };
    const session: Session = {
      id: registration.id,
      parent,
      // An agent must not leave its run by naming another.
      run: above?.run ?? registration.run ?? registration.id,
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
  function linkOf(registration: Registration): Link | null {
    const above = parentOf(registration);
    if (above === undefined) return null;
    const running = [...above.running.values(), ...above.background.values()];
    const lines = registration.ancestors.map((process) => bare(process.command));
    const named = running.filter(({ command }) => lines.some((line) => line.includes(bare(command))));
    const agents = new Set((named.length > 0 ? named : running).map((call) => call.agent));
    if (agents.size === 1) return { session: above.session.id, agent: [...agents][0]! };
    return { session: above.session.id, agent: mainThread(above) };
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
    // A nested agent's own parent may not have spoken yet; its meta file is there all the same.
    const parentId = meta?.parentAgentId ?? (meta?.toolUseId === undefined ? soleSpawner(one, type) : one.spawning.get(meta.toolUseId)?.agent);
    if (parentId !== undefined && !one.session.agents.has(parentId) && depth < 32) {
      addSubagent(one, parentId, readMeta(one.session, parentId)?.agentType ?? '', depth + 1);
    }
    const { agent, changed } = withSubagent(one.session, { id, type: type || meta?.agentType || '', parent: parentId ?? mainThread(one), at: clock() });
    const spawn = meta?.toolUseId === undefined ? [...one.spawning.values()].find((call) => call.running && !call.born) : one.spawning.get(meta.toolUseId);
    if (spawn !== undefined) spawn.born = true;
    if (changed) save(one, agent);
    return agent;
  }

  /** A daemon that was replaced in the middle of a turn takes it up where it stood. */
  function continueTurn(one: Live, agent: Agent): Turn {
    one.session.turn = agent.id;
    one.turn = { ...beginTurn(agent.id, agent.type === 'loop' ? null : agent.type), iterations: agent.iterations };
    return one.turn;
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
      const type = child.type || readMeta(one.session, child.id)?.agentType || '';
      const { agent, changed } = withSubagent(one.session, { ...child, type, at: clock() });
      if (changed) save(one, agent);
    },
    beginTurn(one, promptId, command) {
      const { session } = one;
      const id = `turn-${promptId ?? clock().toString(36)}`;
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
    recogniseLoop(one, turn, ended) {
      const agent = one.session.agents.get(turn.agent)!;
      if (agent.kind === 'loop') return agent;
      if (ended !== null) {
        agent.parent = ended.id;
        agent.type = ended.type;
      }
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

interface Meta {
  toolUseId?: string;
  parentAgentId?: string;
  agentType?: string;
}

/**
 * `<transcript dir>/<session>/subagents/agent-<id>.meta.json`. The client writes it after SubagentStart was answered and
 * before the agent's first model call, so it is there at the first tool call of every agent, also of twenty at once.
 */
function readMeta(session: Session, agentId: string): Meta | undefined {
  if (session.transcript === null || !/^[\w-]{1,128}$/.test(agentId)) return undefined;
  try {
    const value: unknown = JSON.parse(readFileSync(join(dirname(session.transcript), session.id, 'subagents', `agent-${agentId}.meta.json`), 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const meta = value as Record<string, unknown>;
    return {
      ...(typeof meta['toolUseId'] === 'string' ? { toolUseId: meta['toolUseId'] } : {}),
      ...(typeof meta['parentAgentId'] === 'string' ? { parentAgentId: meta['parentAgentId'] } : {}),
      ...(typeof meta['agentType'] === 'string' ? { agentType: meta['agentType'] } : {}),
    };
  } catch {
    return undefined;
  }
}

/** A Bash call that is about to be decided about. */
export function bashCall(call: Pick<Running, 'id' | 'agent' | 'command'> & Partial<Running>): Running {
  return { outlives: false, sandboxed: false, begunAt: null, endedAt: null, shell: null, charged: [], approvedUpTo: 0n, approvals: [], alerts: [], ...call };
}

/** A command as it may appear inside another's quotes. */
function bare(text: string): string {
  return text.replace(/["'\\\s]/g, '');
}

