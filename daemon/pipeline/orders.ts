import { formatDollars, type Micros } from '../core/amount.ts';
import type { Code } from '../core/errors.ts';
import type { Scope } from '../core/transfer.ts';
import { enforces } from '../core/mode.ts';
import { MAIN, type Agent } from '../core/tree.ts';
import { ALL } from './directives.ts';
import type { Parts } from './parts.ts';
import { agentScope, currentStanding, sessionScope } from './scopes.ts';
import type { Live } from './sessions.ts';
import { modeOf } from './turns.ts';

export type Target = { kind: 'session' | 'run' | 'project' | 'day' | 'all' } | { kind: 'agent'; name: string };

export type OrderOutcome = { ok: true; sentence: string } | { ok: false; code: Code; sentence: string };

/** What can be ordered at run time. `by` was established by the caller: a model may lower and stop, a person anything. */
export interface Orders {
  setLimit(live: Live, target: Target, amount: Micros, by: 'person' | 'agent'): Promise<OrderOutcome>;
  kill(live: Live | null, target: Target, by: 'person' | 'agent'): Promise<OrderOutcome>;
  resume(live: Live | null, target: Target, by: 'person' | 'agent'): Promise<OrderOutcome>;
  /** A payment that waits for a yes, by its id. */
  approve(id: string, yes: boolean, by: 'person' | 'agent'): Promise<OrderOutcome>;
}

export function createOrders(parts: Parts): Orders {
  return {
    async setLimit(live, target, amount, by) {
      if (target.kind === 'all') return no('BAD_REQUEST', 'name what to limit: session, run, project, day or agent NAME');
      const found = scopeOf(parts, live, target);
      if (found === null) return no('NOT_FOUND', notFound(live, target));
      const raises = found.scope.limit !== null && amount > found.scope.limit;
      if (by === 'agent' && raises) return no('PERSON_REQUIRED', 'only a person can raise a limit; ask for it to be typed as a slash command or in a terminal');
      await parts.directives.give({ kind: 'limit', scope: found.scope.key, limit: amount, by, at: parts.clock() });
      // Whoever gives an ended loop more money means it to go on.
      if (by === 'person' && raises) await parts.directives.give({ kind: 'resume', scope: found.scope.key, limit: null, by, at: parts.clock() });
      const before = found.scope.limit === null ? 'no limit' : formatDollars(found.scope.limit);
      return yes(`${found.scope.label}: the limit is ${formatDollars(amount)} now (it was ${before}).`);
    },
    async kill(live, target, by) {
      const found = switchOf(live, target);
      if (found === null) return no('NOT_FOUND', notFound(live, target));
      await parts.directives.give({ kind: 'kill', scope: found.key, limit: null, by, at: parts.clock() });
      const mode = live === null ? parts.policies.mode() : modeOf(parts, live);
      if (!enforces(mode)) return yes(`Noted for ${found.label}, and nothing is stopped: this is shadow mode, in which pag0 only watches ("mode" in config.json ends that).`);
      return yes(`Paid calls are stopped for ${found.label}; free work goes on. /pag0-resume lifts it.`);
    },
    async resume(live, target, by) {
      if (by !== 'person') return no('PERSON_REQUIRED', 'only a person can lift the kill switch');
      const found = switchOf(live, target);
      if (found === null) return no('NOT_FOUND', notFound(live, target));
      await parts.directives.give({ kind: 'resume', scope: found.key, limit: null, by, at: parts.clock() });
      const still = found.key !== ALL && parts.directives.killed([]) ? ' Everything is still stopped: /pag0-resume all lifts that.' : '';
      return yes(`Paid calls may go on for ${found.label}, within its limits.${still}`);
    },
    async approve(id, agreed, by) {
      if (by !== 'person') return no('PERSON_REQUIRED', 'only a person can allow or decline a payment; ask for it to be typed as a slash command in an attended session or in a terminal');
      const found = parts.approvals.answer(id.toLowerCase(), agreed);
      if (found === null) return no('NOT_FOUND', `no payment waits under ${JSON.stringify(id)}: it was used, declined or has expired, or the daemon was started again since`);
      const { label, amount, payTo, session, agent, expiresAt } = found;
      const what = `${label} for ${formatDollars(amount)} to ${payTo}`;
      if (!agreed) return yes(`Declined: ${what} is not paid.`);
      const text = `A person has allowed the payment of ${what}, which was refused before; make the same call once more if it is still needed, within 15 minutes.`;
      parts.sessions.get(session)?.hints.push({ agent, text, until: expiresAt });
      return yes(`Allowed once, within 15 minutes: ${what}. The agent is told at its next call; ask it to go on.`);
    },
  };
}

function scopeOf(parts: Parts, live: Live, target: Target): { scope: Scope } | null {
  const agent = target.kind === 'agent' ? agentNamed(live, target.name) : live.session.agents.get(MAIN);
  if (agent === undefined) return null;
  const inForce = parts.policies.of(live.session);
  if (inForce === null) return null;
  const { scopes } = currentStanding(parts, live, agent, inForce, parts.clock());
  const key = target.kind === 'agent' ? agentScope(live.session.id, agent.id) : null;
  const scope = scopes.find((one) => (key === null ? one.kind === target.kind : one.key === key));
  return scope === undefined ? null : { scope };
}

function switchOf(live: Live | null, target: Target): { key: string; label: string } | null {
  if (target.kind === 'all') return { key: ALL, label: 'everything' };
  if (live === null) return null;
  if (target.kind === 'agent') {
    const agent = agentNamed(live, target.name);
    return agent === undefined ? null : { key: agentScope(live.session.id, agent.id), label: agent.name };
  }
  return { key: sessionScope(live.session.id), label: 'this session' };
}

/** By name, else by the client's id; of several with one name the newest. */
function agentNamed(live: Live, name: string): Agent | undefined {
  const agents = [...live.session.agents.values()].filter((agent) => agent.kind !== 'turn');
  return agents.findLast((agent) => agent.name === name) ?? agents.find((agent) => agent.id === name);
}

function notFound(live: Live | null, target: Target): string {
  if (live === null) return 'no session is known here';
  if (target.kind !== 'agent') return 'there is no policy in force for this session';
  const known = [...live.session.agents.values()].filter((agent) => agent.kind !== 'turn').map((agent) => agent.name);
  return `there is no agent "${target.name}" in this session (known: ${known.join(', ')})`;
}

const yes = (sentence: string): OrderOutcome => ({ ok: true, sentence });
const no = (code: Code, sentence: string): OrderOutcome => ({ ok: false, code, sentence });

/** The same orders, with a person's word taken only when one is behind it. */
export function forPerson(orders: Orders, isPerson: () => Promise<boolean>): Orders {
  const checked = async (by: 'person' | 'agent'): Promise<'person' | 'agent'> => (by === 'person' && (await isPerson()) ? 'person' : 'agent');
  return {
    setLimit: async (live, target, amount, by) => orders.setLimit(live, target, amount, await checked(by)),
    kill: async (live, target, by) => orders.kill(live, target, await checked(by)),
    resume: async (live, target, by) => orders.resume(live, target, await checked(by)),
    approve: async (id, agreed, by) => orders.approve(id, agreed, await checked(by)),
  };
}
