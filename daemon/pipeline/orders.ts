import { formatDollars, type Micros } from '../core/amount.ts';
import type { Target } from '../contract/views.ts';
import type { Code } from '../core/errors.ts';
import type { Scope } from '../core/transfer.ts';
import { enforces } from '../core/mode.ts';
import { MAIN, type Agent, type Session } from '../core/tree.ts';
import { ALL } from './directives.ts';
import { killedBy, sessionKilled, type Killed } from './kill-switch.ts';
import type { Parts } from './parts.ts';
import { agentScope, currentStanding, projectScope, runScope, sessionScope } from './scopes.ts';
import type { Live } from './sessions.ts';
import { modeOf } from './turns.ts';

export type { Target };

export type OrderOutcome = { ok: true; sentence: string } | { ok: false; code: Code; sentence: string };

/** Who gives an order was established by the caller: a model may lower and stop, a person anything. */
export type By = 'person' | 'agent';

/** What can be ordered at run time. `check`: what would come of it, with nothing done. */
export interface Orders {
  setLimit(live: Live, target: Target, amount: Micros, by: By, check?: boolean): Promise<OrderOutcome>;
  kill(live: Live | null, target: Target, by: By, check?: boolean): Promise<OrderOutcome>;
  resume(live: Live | null, target: Target, by: By, check?: boolean): Promise<OrderOutcome>;
  /** A payment that waits for a yes, by its id. */
  approve(id: string, yes: boolean, by: By): Promise<OrderOutcome>;
}

export function createOrders(parts: Parts): Orders {
  return {
    async setLimit(live, target, amount, by, check = false) {
      if (target.kind === 'all') return no('BAD_REQUEST', 'name what to limit: session, run, project, today or agent NAME');
      const found = scopeOf(parts, live, target);
      if (found === null) return no('NOT_FOUND', notFound(live, target));
      const { label, key, limit } = found.scope;
      const raises = limit !== null && amount > limit;
      if (by === 'agent' && raises) return no('PERSON_REQUIRED', 'only a person can raise a limit; ask for it to be typed as a slash command or in a terminal');
      const before = limit === null ? 'no limit' : formatDollars(limit);
      if (check) return yes(`${label}: the limit is ${before}, and would be ${formatDollars(amount)}.`);
      await parts.directives.give({ kind: 'limit', scope: key, limit: amount, by, at: parts.clock() });
      // Whoever gives an ended loop more money means it to go on.
      if (by === 'person' && raises) await parts.directives.give({ kind: 'resume', scope: key, limit: null, by, at: parts.clock() });
      return yes(`${label}: the limit is ${formatDollars(amount)} now (it was ${before}).`);
    },
    async kill(live, target, by, check = false) {
      const found = switchOf(live, target);
      if (found === null) return no('NOT_FOUND', notFound(live, target));
      if (!check) await parts.directives.give({ kind: 'kill', scope: found.key, limit: null, by, at: parts.clock() });
      const mode = live === null ? parts.policies.mode() : modeOf(parts, live);
      if (!enforces(mode)) return yes(`Noted for ${found.label}, and nothing is stopped: this is shadow mode, in which pag0 only watches ("mode" in config.json ends that).`);
      return yes(`Paid calls are stopped for ${found.label}. ${whatGoesOn(parts, live, target)} ${liftedBy(found.lift)}`);
    },
    async resume(live, target, by, check = false) {
      if (by !== 'person') return no('PERSON_REQUIRED', 'only a person can lift the kill switch');
      const found = switchOf(live, target);
      if (found === null) return no('NOT_FOUND', notFound(live, target));
      if (check) return yes(`Paid calls of ${found.label} would go on, within its limits.`);
      await parts.directives.give({ kind: 'resume', scope: found.key, limit: null, by, at: parts.clock() });
      const still = stillStopped(parts, live);
      return yes(`Paid calls may go on for ${found.label}, within its limits.${still === null ? '' : ` They are still stopped for ${still.label}. ${liftedBy(still.lift)}`}`);
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

interface Switch {
  key: string;
  /** As the sentence has it. */
  label: string;
  /** The words behind `resume` that lift it. */
  lift: string;
}

function switchOf(live: Live | null, target: Target): Switch | null {
  if (target.kind === 'all') return { key: ALL, label: 'everything', lift: 'all' };
  if (target.kind === 'run' && target.id !== undefined) return { key: runScope(target.id), label: `run ${target.id}`, lift: `run ${target.id}` };
  if (live === null) return null;
  const { id, run, project } = live.session;
  switch (target.kind) {
    case 'agent': {
      const agent = agentNamed(live, target.name);
      return agent === undefined ? null : { key: agentScope(id, agent.id), label: `${agent.name} and all that it started`, lift: `agent ${agent.name}` };
    }
    case 'run':
      return { key: runScope(run), label: `run ${run}`, lift: `run ${run}` };
    case 'project':
      return { key: projectScope(project), label: `project ${project}`, lift: 'project' };
    default:
      return { key: sessionScope(id), label: `session ${id.slice(0, 8)} and all that it started`, lift: `session ${id.slice(0, 8)}` };
  }
}

/** Who stops something in a hurry has to know what it does not reach. */
function whatGoesOn(parts: Parts, live: Live | null, target: Target): string {
  const atWork = parts.sessions.recalled().map(({ session }) => session).filter(({ endedAt }) => endedAt === null);
  const count = (sessions: readonly Session[], noun: string): string => `${sessions.length} ${noun}${sessions.length === 1 ? '' : 's'}`;
  switch (target.kind) {
    case 'all':
      return `That is ${count(atWork, 'session')} at work and every later one; free work goes on.`;
    case 'run': {
      const run = target.id ?? live!.session.run;
      return `That is ${count(atWork.filter((one) => one.run === run), 'session')} at work and every later one of this run; free work and other runs go on.`;
    }
    case 'project':
      return `That is ${count(atWork.filter(({ project }) => project === live!.session.project), 'session')} at work and every later one in it; free work and other projects go on.`;
    case 'agent':
      return 'Free work and the rest of the session go on.';
    default: {
      const { session } = live!;
      const others = atWork.filter((one) => one.project === session.project && one.id !== session.id && one.run !== session.id);
      if (session.endedAt !== null) return `It has ended, so nothing of it runs any more: ${count(others, 'session')} at work in its project and those that start later go on, and \`kill project\` stops them.`;
      return others.length === 0 ? 'Free work goes on, and so do later sessions, which `kill project` stops.' : `Free work goes on, and so do ${count(others, 'other session')} of its project and later ones, which \`kill project\` stops.`;
    }
  }
}

function liftedBy(words: string): string {
  return `\`pag0 resume ${words}\` in a terminal or /pag0-resume ${words} in a session lifts that.`;
}

function stillStopped(parts: Parts, live: Live | null): Killed | null {
  return live === null ? killedBy(parts.directives, []) : sessionKilled(parts, live.session);
}

/** A turn is called by the slash command that began it; what no command began is main. */
function hasName({ kind, type }: Agent): boolean {
  return kind !== 'turn' || type !== 'loop';
}

/** By name, else by the client's id; of several with one name the newest. */
function agentNamed(live: Live, name: string): Agent | undefined {
  const agents = [...live.session.agents.values()].filter(hasName);
  return agents.findLast((agent) => agent.name === name) ?? agents.find((agent) => agent.id === name);
}

function notFound(live: Live | null, target: Target): string {
  if (live === null) return 'no session is known here';
  if (target.kind !== 'agent') return 'there is no policy in force for this session';
  const known = new Set([...live.session.agents.values()].filter(hasName).map((agent) => agent.name));
  return `there is no agent "${target.name}" in this session (known: ${[...known].join(', ')})`;
}

const yes = (sentence: string): OrderOutcome => ({ ok: true, sentence });
const no = (code: Code, sentence: string): OrderOutcome => ({ ok: false, code, sentence });

/** The same orders, with a person's word taken only when one is behind it. */
export function forPerson(orders: Orders, isPerson: () => Promise<boolean>): Orders {
  const checked = async (by: By): Promise<By> => (by === 'person' && (await isPerson()) ? 'person' : 'agent');
  return {
    setLimit: async (live, target, amount, by, check) => orders.setLimit(live, target, amount, await checked(by), check),
    kill: async (live, target, by, check) => orders.kill(live, target, await checked(by), check),
    resume: async (live, target, by, check) => orders.resume(live, target, await checked(by), check),
    approve: async (id, agreed, by) => orders.approve(id, agreed, await checked(by)),
  };
}
