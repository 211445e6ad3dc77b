import { beginTurn, isUntouched, work, type Turn } from '../core/loop.ts';
import type { Mode } from '../core/mode.ts';
import type { Agent } from '../core/tree.ts';
import { digestOf } from './digest.ts';
import { driverOf } from './driver.ts';
import type { Parts, ToolCall } from './parts.ts';
import { agentScope, dayScope, projectScope, runScope, sessionScope } from './scopes.ts';
import type { Live } from './sessions.ts';

/**
 * Who wrote a prompt: a person; the client, when background work reports back; or the client's own clock, when a loop
 * wakes itself up.
 */
export type Author = 'person' | 'report' | 'wakeup';

/**
 * Finds the agent of a tool call and keeps the turn up to date: main working on after a Stop, with no prompt between,
 * is a loop's next round.
 */
export function resumeTurn(parts: Parts, live: Live, call: ToolCall): Agent {
  if (call.agentId === undefined) {
    if (call.promptId !== undefined) notePrompt(parts, live, call.promptId, 'person');
    if (live.turn?.resting === true) driveOn(parts, live, live.turn);
    return parts.sessions.agentOf(live, undefined, undefined);
  }
  const agent = parts.sessions.agentOf(live, call.agentId, call.agentType);
  // One that had ended and was sent a message, or was driven on, is at work again.
  agent.endedAt = null;
  return agent;
}

/** The main thread goes on although it had come to rest: a hook drives it. */
export function driveOn(parts: Parts, live: Live, turn: Turn): Agent {
  turn.resting = false;
  const agent = live.session.agents.get(turn.agent)!;
  if (agent.kind === 'loop') return agent;
  const driver = driverOf(live.session);
  const ended = endedLoop(parts, live, turn, driver);
  if (ended !== null) {
    turn.continues = ended.id;
    return agent;
  }
  // It was let go on since: the same loop, with an account of its own.
  const continued = turn.continues === null ? undefined : live.session.agents.get(turn.continues);
  if (continued !== undefined) agent.type = continued.type;
  turn.continues = null;
  const loop = parts.sessions.recogniseLoop(live, turn);
  if (driver !== null) loop.driver = driver;
  return loop;
}

/**
 * The loop that was stopped before and is now driven on: a loop's state file outlives it and would give every next
 * prompt a fresh allowance. The same hook means the same loop; where the transcript does not tell, so does a turn that
 * no slash command began. A person who types the loop's own command means a new one.
 */
function endedLoop(parts: Parts, live: Live, turn: Turn, driver: string | null): Agent | null {
  const stopped = [...live.session.agents.values()].filter((agent) => agent.kind === 'loop' && isStopped(parts, live, agent));
  const same = (agent: Agent): boolean => (driver !== null && agent.driver !== undefined ? agent.driver === driver : turn.command === null);
  return stopped.findLast((agent) => agent.type !== turn.command && same(agent)) ?? null;
}

/** Without a policy nothing is relaxed. */
export function modeOf(parts: Parts, live: Live): Mode {
  return parts.policies.of(live.session)?.policy.mode ?? 'enforce';
}

/** Stopped by pag0, and not let go on by a person since. */
export function isStopped(parts: Parts, live: Live, agent: Agent): boolean {
  if (agent.stopped === null) return false;
  const { id, run, project } = live.session;
  const accounts = [agentScope(id, agent.id), sessionScope(id), runScope(run), projectScope(project), dayScope(parts.dayOf(parts.clock()))];
  return agent.stopped.at > parts.directives.resumedAt(accounts);
}

/** The ended loop that a turn continues, or is; null for everything that may go on. */
export function stoppedLoopOf(parts: Parts, live: Live, turn: Turn): Agent | null {
  let agent = live.session.agents.get(turn.continues ?? turn.agent);
  let root: Agent | null = null;
  for (let steps = 0; agent !== undefined && steps < 64; steps += 1) {
    if (agent.kind === 'loop' && isStopped(parts, live, agent)) root = agent;
    agent = agent.parent === null ? undefined : live.session.agents.get(agent.parent);
  }
  return root;
}

/**
 * A prompt by its id. The id stays the same while a Stop hook drives a turn on. When background work reports back the
 * client makes a prompt of its own: that continues the turn, and answers a Stop as a person would. A wake-up continues
 * it as well, but answers nothing: what works on after it is a loop.
 */
export function notePrompt(parts: Parts, live: Live, promptId: string, author: Author): Turn {
  const { turn } = live;
  if (turn !== null && turn.prompts.has(promptId)) return turn;
  if (turn !== null && author !== 'person') {
    turn.prompts.add(promptId);
    if (author === 'report') turn.resting = false;
    return turn;
  }
  const begun = parts.sessions.beginTurn(live, promptId, null);
  begun.prompts.add(promptId);
  return begun;
}

/**
 * Clients before 2.1.184 give their prompts no ids: there each UserPromptSubmit is one. A slash command's expansion comes
 * before it in some of them and after it in others.
 */
export function noteUnnamedPrompt(parts: Parts, live: Live, author: Author, command: string | null): Turn {
  const { turn } = live;
  if (turn !== null && author !== 'person') {
    if (author === 'report') turn.resting = false;
    return turn;
  }
  if (turn?.expanded === true) {
    turn.expanded = false;
    return turn;
  }
  const begun = beginUnnamed(parts, live);
  if (command !== null) rename(parts, live, begun, command);
  return begun;
}

function beginUnnamed(parts: Parts, live: Live): Turn {
  return parts.sessions.beginTurn(live, `unnamed-${live.session.agents.size}`, null);
}

/** The slash command that began the turn gives it its name; it comes beside its prompt, before any work. */
export function nameTurn(parts: Parts, live: Live, promptId: string | undefined, command: string): void {
  if (promptId !== undefined) return rename(parts, live, notePrompt(parts, live, promptId, 'person'), command);
  const { turn } = live;
  if (turn !== null && !turn.expanded && isUntouched(turn)) return rename(parts, live, turn, command);
  const begun = beginUnnamed(parts, live);
  begun.expanded = true;
  rename(parts, live, begun, command);
}

/**
 * The model began a command by itself (a keyword made it call the Skill tool). Its name serves, but the model chose it:
 * a rule for loops in general keeps applying.
 */
export function nameTurnByModel(parts: Parts, live: Live, skill: string): void {
  const { turn } = live;
  if (turn === null || turn.command !== null || turn.iterations > 0) return;
  rename(parts, live, turn, skill);
  const agent = live.session.agents.get(turn.agent);
  if (agent !== undefined) agent.aliases = ['loop'];
}

function rename(parts: Parts, live: Live, turn: Turn, command: string): void {
  const agent = live.session.agents.get(turn.agent);
  if (agent === undefined || agent.kind === 'loop') return;
  turn.command = command.slice(command.lastIndexOf(':') + 1);
  agent.type = turn.command;
  agent.name = turn.command;
  parts.sessions.save(live, agent);
}

/** What a finished call adds to its round. A subagent's work is also the work of the turn or the loop above it. */
export function noteWork(live: Live, agent: Agent, tool: string, input: unknown, answer: unknown): void {
  const rounds = roundsOf(live, agent);
  if (rounds.length === 0) return;
  const digest = digestOf([tool, input, answer]);
  for (const turn of rounds) work(turn, digest);
}

/** The rounds that an agent's work belongs to: its own, when it is a subagent, and those of everyone above it. */
export function roundsOf(live: Live, agent: Agent): Turn[] {
  const found: Turn[] = [];
  let current: Agent | undefined = agent;
  for (let steps = 0; current !== undefined && steps < 64; steps += 1) {
    if (current.id === live.turn?.agent) found.push(live.turn);
    else if (current.kind === 'subagent') found.push(ownRounds(live, current));
    current = current.parent === null ? undefined : live.session.agents.get(current.parent);
  }
  return found;
}

export function ownRounds(live: Live, agent: Agent): Turn {
  let turn = live.rounds.get(agent.id);
  if (turn === undefined) live.rounds.set(agent.id, (turn = beginTurn(agent.id, null)));
  return turn;
}
