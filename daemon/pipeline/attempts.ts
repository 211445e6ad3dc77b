import { isMoneyLimit, type Refusal } from '../core/errors.ts';
import type { Agent } from '../core/tree.ts';
import type { Parts } from './parts.ts';
import { agentScope, sessionScope } from './scopes.ts';
import type { Live } from './sessions.ts';
import { askedTogether } from './transcript.ts';

/**
 * An agent that has nothing left is told so at its first attempt, and can say what it has found; ended is whoever asks
 * once more although it has been told. What it asked for in one message it asked for before it was told.
 */
export async function atAttempt(parts: Parts, live: Live, agent: Agent, toolUseId: string, why: Refusal): Promise<Refusal> {
  if (why.ends === null || !endsAtSecond(why.code)) return why;
  const { told } = agent;
  if (told === undefined || told.at <= resumedAt(parts, live, agent)) {
    agent.told = { call: toolUseId, at: parts.clock() };
    return { ...why, ends: null };
  }
  const together = told.call !== null && (told.call === toolUseId || (await askedTogether(live.session, agent.id, told.call, toolUseId)));
  return together ? { ...why, ends: null } : why;
}

/** Refused behind its back, by the gateway: it reads that in the output of its program. */
export function toldElsewhere(parts: Parts, agent: Agent, why: Refusal): Refusal {
  if (why.ends === null || !endsAtSecond(why.code)) return why;
  agent.told ??= { call: null, at: parts.clock() };
  return { ...why, ends: null };
}

function endsAtSecond(code: string): boolean {
  return isMoneyLimit(code) || code === 'KILL_SWITCH';
}

function resumedAt(parts: Parts, live: Live, agent: Agent): number {
  return parts.directives.resumedAt([agentScope(live.session.id, agent.id), sessionScope(live.session.id)]);
}
