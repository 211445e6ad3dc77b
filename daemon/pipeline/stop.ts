import { ratio } from '../core/amount.ts';
import { SCOPE_CODE, spentOf } from '../core/errors.ts';
import { completeRound, loopEnd, updateBreaker, type LoopEnd, type Turn } from '../core/loop.ts';
import { enforces, ruled } from '../core/mode.ts';
import { counted, type Balance } from '../core/transfer.ts';
import { isLoop, type Agent } from '../core/tree.ts';
import { digestOf } from './digest.ts';
import { settleLeftovers } from './leftovers.ts';
import type { Parts } from './parts.ts';
import { agentScope, currentStanding, sessionScope, type Standing } from './scopes.ts';
import { noteSchedules } from './schedules.ts';
import type { Live } from './sessions.ts';
import { endedLoopIn, howToEnd, stateFileOf } from './state-file.ts';
import { driveOn, isStopped, modeOf, ownRounds, stoppedLoopOf } from './turns.ts';
import { noteShadow } from './weigh.ts';

export interface Stop {
  /** The client's word that this Stop follows one that another plugin's hook answered with more work. */
  driven: boolean;
  lastMessage: string;
  /** The session's schedules, as the client tells them. */
  crons?: readonly unknown[];
}

/**
 * The main thread wants to rest. That is the end of a turn, or of a loop's round: then it is decided whether the next
 * round may begin. Answers with the sentence that ends the loop, or null.
 */
export async function stopMain(parts: Parts, live: Live, stop: Stop): Promise<string | null> {
  const { turn } = live;
  await settleLeftovers(parts, live, turn?.agent ?? 'main');
  noteSchedules(live, stop.crons ?? []);
  if (turn === null) return null;
  if (stop.driven) driveOn(parts, live, turn);
  if (!stop.driven && turn.continues === null) {
    const kept = keepAnswer(parts, live, turn);
    if (kept !== null) return kept;
  }
  return endRound(parts, live, turn, live.session.agents.get(turn.agent)!, stop);
}

/** A subagent wants to rest; a SubagentStop hook can drive it on as a Stop hook drives the main thread. */
export async function stopSubagent(parts: Parts, live: Live, agent: Agent, stop: Stop): Promise<string | null> {
  await settleLeftovers(parts, live, agent.id);
  agent.endedAt = parts.clock();
  const turn = ownRounds(live, agent);
  if (stop.driven) return endRound(parts, live, turn, agent, stop);
  completeRound(turn, digestOf(stop.lastMessage));
  parts.sessions.save(live, agent);
  return null;
}

/**
 * A person's prompt has its answer, and the hook of a loop that was ended would go on from it: that ends here, before
 * another model call, and without an account of its own.
 */
function keepAnswer(parts: Parts, live: Live, turn: Turn): string | null {
  if (live.session.agents.get(turn.agent)?.kind !== 'turn' || !enforces(modeOf(parts, live))) return null;
  const loop = endedLoopIn(parts, live);
  if (loop === null || turn.command !== null || stateFileOf(live.session.cwd, loop) === null) return null;
  completeRound(turn, 0);
  return `pag0 LOOP_STOPPED: ${loop.name} was ended because ${loop.stopped!.reason}, and its hook would have driven this prompt on, so it ends with its answer; ${howToEnd(live.session.cwd, loop)}.`;
}

async function endRound(parts: Parts, live: Live, turn: Turn, agent: Agent, stop: Stop): Promise<string | null> {
  completeRound(turn, digestOf(stop.lastMessage));
  agent.iterations = turn.iterations;
  const { stands: end, shadow } = ruled(modeOf(parts, live), await whyEnd(parts, live, turn, agent));
  if (shadow !== null) await noteEnd(parts, live, agent, shadow);
  // The first reason, and the rounds until then, are what a report needs.
  const continued = turn.continues === null ? null : stoppedLoopOf(parts, live, turn);
  if (end !== null && continued === null && !isStopped(parts, live, agent)) agent.stopped = { code: end.code, reason: end.reason, attempts: turn.iterations, at: parts.clock() };
  if (end !== null) agent.endedAt = parts.clock();
  parts.sessions.save(live, agent);
  if (end === null) return null;
  if (continued !== null) return `pag0 LOOP_STOPPED: ${continued.name} was ended before because ${end.reason}, and its hook drove this prompt on, so it ends here; ${howToEnd(live.session.cwd, continued)}.`;
  return `pag0 ${end.code}: ${agent.name} was ended after ${turn.iterations} ${turn.iterations === 1 ? 'iteration' : 'iterations'} because ${end.reason}; see /pag0-report, the session can be used on.`;
}

/** Once for each loop: its next rounds would not have been. */
async function noteEnd(parts: Parts, live: Live, agent: Agent, end: LoopEnd): Promise<void> {
  const isNew = await parts.ledger.mark(`shadow:${agentScope(live.session.id, agent.id)}`, parts.clock());
  if (isNew) noteShadow(parts, live, agent, [{ tool: 'Stop', method: 'CALL', endpoint: null, known: true, times: 1 }], end);
}

async function whyEnd(parts: Parts, live: Live, turn: Turn, agent: Agent): Promise<LoopEnd | null> {
  const ended = stoppedLoopOf(parts, live, turn);
  if (ended !== null) return { code: ended.stopped!.code, reason: ended.stopped!.reason };
  const inForce = parts.policies.of(live.session);
  if (inForce === null) return null;
  const { policy } = inForce;
  const at = parts.clock();
  const standing = currentStanding(parts, live, agent, inForce, at);
  const balances = await parts.ledger.balances(standing.scopes.map((scope) => scope.key));
  updateBreaker(turn, at, policy.loops);
  return loopEnd({
    turn,
    rules: policy.loops,
    looping: isLoop(agent),
    at,
    killed: parts.directives.killed(standing.scopes.map((scope) => scope.key)),
    sessionShare: shareOf(standing, balances, sessionScope(live.session.id)),
    killSwitchAt: policy.killSwitchAt,
    tightest: tightestOf(standing, balances),
  });
}

function shareOf(standing: Standing, balances: readonly Balance[], key: string): number {
  const index = standing.scopes.findIndex((scope) => scope.key === key);
  const limit = standing.scopes[index]?.limit ?? null;
  return limit === null ? 0 : ratio(counted(balances[index]!), limit);
}

function tightestOf(standing: Standing, balances: readonly Balance[]) {
  let tightest: { left: bigint; label: string; code: string; spentOf: string } | null = null;
  for (const [index, scope] of standing.scopes.entries()) {
    if (scope.limit === null) continue;
    const spent = counted(balances[index]!);
    const left = scope.limit - spent;
    if (tightest !== null && left >= tightest.left) continue;
    tightest = { left, label: scope.label, code: SCOPE_CODE[scope.kind], spentOf: spentOf(spent, scope.limit) };
  }
  return tightest;
}
