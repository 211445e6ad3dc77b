import { admit, authorize, names, overBudget } from '../core/admit.ts';
import { formatDollars } from '../core/amount.ts';
import { callLabel, type Call } from '../core/call.ts';
import { classify } from '../core/classify.ts';
import { Pag0Error, refusal, type Refusal } from '../core/errors.ts';
import { spend } from '../core/loop.ts';
import type { Policy } from '../core/policy.ts';
import { canCost, quote, type Quote } from '../core/price.ts';
import { counted, type Exceeded, type Scope } from '../core/transfer.ts';
import { activeSubagents, chainOf, depthOf, isLoop, type Agent } from '../core/tree.ts';
import type { Line, Origin } from '../ports.ts';
import type { PolicyInForce } from '../config/policies.ts';
import { guard } from './guard.ts';
import { PASS, type Parts, type ToolCall, type Verdict } from './parts.ts';
import { currentStanding, type Standing } from './scopes.ts';
import type { Live } from './sessions.ts';
import { isStopped, resumeTurn, roundsOf } from './turns.ts';

/** A call that passed: what `settle` needs to know when its answer comes. Lost in a restart, then the price as reserved counts. */
export interface Pending {
  quotes: readonly Quote[];
  scopes: readonly Scope[];
  /** The one program that the command runs, where it is a single one: then its exit code is the command's. */
  sole: string | null;
}

export interface Decision {
  verdict: Verdict;
  pending: Pending | null;
}

/**
 * One tool call, before it runs: guard → classify → quote → admit → authorize → reserve. What cannot cost passes
 * without waiting for anything.
 */
export async function decide(parts: Parts, live: Live, call: ToolCall): Promise<Decision> {
  const agent = resumeTurn(parts, live, call);
  const guarded = guard(parts, live, call);
  if (guarded !== null) return refuse(parts, live, agent, [], guarded);
  if (call.tool === 'Agent' || call.tool === 'Task') return spawn(parts, live, agent);
  const calls = classify(call.tool, call.input, parts.readShell);
  if (calls.length === 0) return { verdict: PASS, pending: null };
  const inForce = parts.policies.of(live.session);
  if (inForce === null) return withoutPolicy(parts, live, agent, calls);
  return govern(parts, live, agent, call, calls, inForce);
}

function spawn(parts: Parts, live: Live, agent: Agent): Decision {
  const policy = parts.policies.of(live.session)?.policy;
  const refused = policy === undefined ? null : crowded(live, agent, policy);
  return refused === null ? { verdict: PASS, pending: null } : refuse(parts, live, agent, [], refused);
}

async function govern(parts: Parts, live: Live, agent: Agent, call: ToolCall, calls: readonly Call[], inForce: PolicyInForce): Promise<Decision> {
  const { policy } = inForce;
  const quotes = calls.map((one) => quote(one, policy.prices)).filter(isGoverned);
  if (quotes.length === 0) return { verdict: PASS, pending: null };
  const at = parts.clock();
  const standing = currentStanding(parts, live, agent, inForce, at);
  const amount = quotes.reduce((sum, quoted) => sum + quoted.amount, 0n);
  const admitted = admit({
    quotes,
    policy,
    limits: standing.limits,
    agent: agent.name,
    killed: parts.directives.killed(standing.scopes.map((scope) => scope.key)),
    loopEnded: loopEnded(parts, live, agent, policy),
    exhausted: amount === 0n && quotes.some(canCost) ? await exhausted(parts, standing.scopes) : null,
  });
  if (admitted !== null) return refuse(parts, live, agent, quotes, admitted);
  if (amount === 0n) {
    note(parts, live, agent, quotes, 'free', at);
    return { verdict: PASS, pending: null };
  }
  const authorized = authorize(quotes, policy, standing.limits);
  if (authorized.verdict === 'refuse') return refuse(parts, live, agent, quotes, authorized.refusal);
  const reserved = await parts.ledger.reserve({
    key: reservationKey(live, call.id),
    origin: originOf(live, agent),
    lines: quotes.map(lineOf),
    scopes: standing.scopes,
    kind: 'billed',
    at,
  });
  if (reserved.outcome === 'exceeded') return refuse(parts, live, agent, quotes, overBudget(reserved.exceeded, amount, quotes));
  if (reserved.outcome === 'reserved') for (const turn of roundsOf(live, agent)) spend(turn, amount, at, policy.loops);
  const pending: Pending = { quotes, scopes: standing.scopes, sole: soleProgram(parts, call) };
  if (authorized.verdict === 'ask') return { verdict: { verdict: 'ask', sentence: await question(parts, quotes, amount, standing) }, pending };
  return { verdict: PASS, pending };
}

/** The developer's own machine is left alone unless a price names it. */
function isGoverned(quoted: Quote): boolean {
  return quoted.rule !== null || quoted.call.endpoint?.local !== true;
}

export function reservationKey(live: Live, toolUseId: string): string {
  return `${live.session.id}/${toolUseId}`;
}

function originOf(live: Live, agent: Agent): Origin {
  const { id, run, project } = live.session;
  return { session: id, agent: agent.id, run, project };
}

function lineOf(quoted: Quote): Line {
  return { tool: quoted.call.tool, endpoint: callLabel(quoted.call), amount: quoted.amount, requests: quoted.call.times };
}

function soleProgram(parts: Parts, call: ToolCall): string | null {
  if (call.tool !== 'Bash') return null;
  const { invocations, unreadable } = parts.readShell(String(call.input['command']));
  return invocations.length === 1 && !unreadable ? invocations[0]!.program : null;
}

/** A loop that was ended stays ended: what it still asks for is refused until a person begins a new one or resumes it. */
function loopEnded(parts: Parts, live: Live, agent: Agent, policy: Policy): string | null {
  const above = roundsOf(live, agent).map((turn) => ({ turn, owner: live.session.agents.get(turn.agent)! }));
  const ended = chainInSession(live, agent).find((one) => isLoop(one) && isStopped(parts, live, one));
  if (ended !== undefined) return ended.stopped!.reason;
  return above.some(({ turn, owner }) => turn.tooFast && (isLoop(owner) || policy.loops.interactive)) ? 'it spends money too fast' : null;
}

function chainInSession(live: Live, agent: Agent): Agent[] {
  return chainOf(live.session, agent.id, () => undefined).map((seat) => seat.agent);
}

/** How many agents may work at once, and how deep they may nest. */
function crowded(live: Live, agent: Agent, policy: Policy): Refusal | null {
  const { session } = live;
  // Agents that were asked for a moment ago count before the client has told of their start.
  const unborn = [...live.spawning.values()].filter((call) => call.running && !call.born).length;
  const working = activeSubagents(session) + unborn;
  if (policy.maxAgents !== null && working >= policy.maxAgents) {
    return refusal('AGENT_LIMIT_EXCEEDED', `${working} agents are at work and ${policy.maxAgents} are allowed at once, so this one was not started; wait for one to end or do the work yourself`, { scope: 'agents', limit: String(policy.maxAgents) });
  }
  const depth = depthOf(session, agent.id) + 1;
  if (policy.maxDepth !== null && depth > policy.maxDepth) {
    return refusal('AGENT_LIMIT_EXCEEDED', `this agent would be ${depth} deep and ${policy.maxDepth} are allowed, so it was not started; do the work yourself`, { scope: 'agents', limit: String(policy.maxDepth) });
  }
  return null;
}

async function exhausted(parts: Parts, scopes: readonly Scope[]): Promise<Exceeded | null> {
  const limited = scopes.filter((scope) => scope.limit !== null);
  const balances = await parts.ledger.balances(limited.map((scope) => scope.key));
  const index = balances.findIndex((balance, at) => counted(balance) >= limited[at]!.limit!);
  if (index < 0) return null;
  const scope = limited[index]!;
  return { scope, limit: scope.limit!, spent: counted(balances[index]!) };
}

async function question(parts: Parts, quotes: readonly Quote[], amount: bigint, standing: Standing): Promise<string> {
  const session = standing.scopes.find((scope) => scope.kind === 'session' && scope.limit !== null);
  const price = `pag0 APPROVAL_REQUIRED: ${names(quotes)} costs ${formatDollars(amount)}`;
  if (session === undefined) return `${price}; no session budget is set.`;
  const [balance] = await parts.ledger.balances([session.key]);
  return `${price}; ${formatDollars(session.limit! - counted(balance!))} of this session's ${formatDollars(session.limit!)} would be left.`;
}

/** Without a policy nobody can say what costs: local calls go on, the rest is refused with the repair. */
async function withoutPolicy(parts: Parts, live: Live, agent: Agent, calls: readonly Call[]): Promise<Decision> {
  const foreign = calls.filter((call) => call.endpoint?.local !== true);
  if (foreign.length === 0) return { verdict: PASS, pending: null };
  const problem = parts.policies.problems(live.session)[0] ?? 'the configuration cannot be read';
  const quotes = foreign.map((call) => quote(call, []));
  return refuse(parts, live, agent, quotes, refusal('CONFIG_INVALID', `${names(quotes)} was not sent because pag0 has no valid policy: ${problem}; ask the person to mend the file`, { scope: 'configuration' }));
}

function refuse(parts: Parts, live: Live, agent: Agent, quotes: readonly Quote[], why: Refusal): Decision {
  if (why.ends !== null) {
    const { stopped } = agent;
    // The first reason is the one a report needs; further attempts are counted on it.
    if (stopped === null || stopped.code !== why.code) agent.stopped = { code: why.code, reason: why.ends, attempts: Math.max(1, agent.iterations), at: parts.clock() };
    else stopped.attempts += 1;
    parts.sessions.save(live, agent);
  }
  note(parts, live, agent, quotes, 'refused', parts.clock(), why.code);
  return { verdict: { verdict: 'refuse', refusal: why }, pending: null };
}

function note(parts: Parts, live: Live, agent: Agent, quotes: readonly Quote[], what: 'free' | 'refused', at: number, code?: string): void {
  for (const { call } of quotes) {
    parts.ledger.note({ what, origin: originOf(live, agent), tool: call.tool, endpoint: callLabel(call), requests: call.times, at, ...(code === undefined ? {} : { code }) });
  }
}

/** The ledger's own failure is an answer, too: closed on money. */
export function brokenLedger(error: unknown): Refusal {
  const why = error instanceof Pag0Error ? error.message : 'the ledger failed';
  return refusal('LEDGER_UNAVAILABLE', `the call was not sent because ${why}; ask the person to run \`pag0 daemon status\``, { scope: 'ledger' });
}
