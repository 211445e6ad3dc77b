import { names } from '../core/admit.ts';
import { formatDollars } from '../core/amount.ts';
import { callLabel, type Call } from '../core/call.ts';
import { classify } from '../core/classify.ts';
import { refusal, type Refusal } from '../core/errors.ts';
import { enforces, ruled } from '../core/mode.ts';
import type { Policy } from '../core/policy.ts';
import { quote, type Quote } from '../core/price.ts';
import { counted, type Scope } from '../core/transfer.ts';
import { activeSubagents, depthOf, type Agent } from '../core/tree.ts';
import type { PolicyInForce } from '../config/policies.ts';
import { printable } from '../contract/printable.ts';
import { atAttempt } from './attempts.ts';
import { clientAsks, type Approval } from './approvals.ts';
import { splitCalls, type Split } from './gateway-calls.ts';
import { guard } from './guard.ts';
import { PASS, type Parts, type ToolCall, type Verdict } from './parts.ts';
import { RUNS } from './served.ts';
import type { Live } from './sessions.ts';
import { isToolRead } from './tool-reads.ts';
import { resumeTurn } from './turns.ts';
import { noteCalls, noteRefusal, noteShadow, reserve, upheld, weigh, wouldFit, type Weighed, type Weighing } from './weigh.ts';

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
  /** µ$: of one of its requests, as it was weighed and, where it has to be, asked about. */
  approvedUpTo?: bigint;
  /** Ids of the payments about which the client asks its person before it runs. */
  asked?: readonly string[];
  /** In shadow: it is written down already that it would not have run so. */
  noted?: boolean;
}

const NOTHING: Decision = { verdict: PASS, pending: null };

/**
 * One tool call, before it runs: guard → classify → quote → admit → authorize → reserve. What cannot cost passes
 * without waiting for anything.
 */
export async function decide(parts: Parts, live: Live, call: ToolCall, isClient: IsClient): Promise<Decision> {
  const agent = resumeTurn(parts, live, call);
  const guarded = guard(parts, live, call);
  if (guarded !== null) return refuse(parts, live, agent, call, [], guarded);
  if (call.tool === 'Agent' || call.tool === 'Task') return spawn(parts, live, agent, call);
  const calls = classify(call.tool, call.input, parts.readShell);
  if (calls.length === 0) return NOTHING;
  const inForce = parts.policies.of(live.session);
  if (inForce === null) return withoutPolicy(parts, live, agent, call, calls);
  return govern(parts, live, agent, call, calls, inForce, isClient);
}

/** Whether the call was told by the client itself: whoever else tells it asks nobody. */
type IsClient = () => Promise<boolean>;

async function spawn(parts: Parts, live: Live, agent: Agent, call: ToolCall): Promise<Decision> {
  const policy = parts.policies.of(live.session)?.policy;
  if (policy === undefined) return NOTHING;
  const { stands, shadow } = ruled(policy.mode, crowded(live, agent, policy));
  if (shadow !== null) noteShadow(parts, live, agent, [{ tool: call.tool, method: 'CALL', endpoint: null, known: true, times: 1 }], shadow);
  return stands === null ? NOTHING : refuse(parts, live, agent, call, [], stands);
}

async function govern(parts: Parts, live: Live, agent: Agent, call: ToolCall, calls: readonly Call[], inForce: PolicyInForce, isClient: IsClient): Promise<Decision> {
  const weighing = await weigh(parts, live, agent, calls, inForce);
  if (weighing.outcome === 'ungoverned') return NOTHING;
  if (weighing.outcome === 'refused') return refuse(parts, live, agent, call, weighing.quotes, weighing.refusal);
  const { weighed } = weighing;
  upheld(parts, live, agent, weighed, weighed.would);
  // What is given in a call's place the client shows as a refusal.
  if (!enforces(inForce.policy.mode)) return letRun(parts, live, agent, call, inForce, weighing, [], isClient);
  const waiting = waitingFor(parts, live, call, weighed);
  const recalled = (await parts.recall?.before(live, agent, call, waiting.length === 0 ? weighed : { ...weighed, ask: true })) ?? RUNS;
  if (recalled.outcome === 'refused') return refuse(parts, live, agent, call, weighed.quotes, recalled.refusal);
  if (recalled.outcome === 'served') return { verdict: { verdict: 'serve', text: recalled.text }, pending: null };
  try {
    const decision = isToolRead(inForce.policy, call) ? await weighAnew(parts, live, agent, call, calls, waiting, isClient) : await letRun(parts, live, agent, call, inForce, weighing, waiting, isClient);
    if (decision.verdict.verdict === 'refuse') takeBack(parts, live, call);
    return decision;
  } catch (error) {
    takeBack(parts, live, call);
    throw error;
  }
}

/** It may have waited for another's call, so the kill switch, its loop and the policy count as they are now. */
async function weighAnew(parts: Parts, live: Live, agent: Agent, call: ToolCall, calls: readonly Call[], waiting: readonly Approval[], isClient: IsClient): Promise<Decision> {
  const inForce = parts.policies.of(live.session);
  if (inForce === null) return withoutPolicy(parts, live, agent, call, calls);
  const weighing = await weigh(parts, live, agent, calls, inForce);
  if (weighing.outcome === 'ungoverned') return NOTHING;
  if (weighing.outcome === 'refused') return refuse(parts, live, agent, call, weighing.quotes, weighing.refusal);
  return letRun(parts, live, agent, call, inForce, weighing, waiting, isClient);
}

async function letRun(parts: Parts, live: Live, agent: Agent, call: ToolCall, inForce: PolicyInForce, weighing: Extract<Weighing, { weighed: Weighed }>, waiting: readonly Approval[], isClient: IsClient): Promise<Decision> {
  const { weighed } = weighing;
  const split = splitCalls(parts, live, call, inForce.policy);
  // Past the gateway nobody could tell that a payment belongs to the call that was asked about.
  const about = call.tool === 'Bash' && split?.someAtGateway !== true ? [] : waiting;
  const asks = weighed.ask || about.length > 0 ? upheld(parts, live, agent, weighed, QUESTION) !== null : false;
  // What is answered with a question lets the call run, and only the client puts it to somebody first.
  if (asks && !(await isClient())) return refuse(parts, live, agent, call, weighed.quotes, unheard(weighed, about));
  const verdict: Verdict = asks ? { verdict: 'ask', sentence: await question(parts, weighed, about) } : PASS;
  const charged = split === null ? await charge(parts, live, agent, call, weighing) : await chargeRest(parts, live, agent, call, weighed, split, inForce);
  if ('refusal' in charged) return refuse(parts, live, agent, call, weighed.quotes, charged.refusal);
  if (weighed.amount > 0n) delete agent.told;
  return { verdict, pending: charged.pending, approvedUpTo: dearest(weighed.quotes), noted: weighed.noted, ...(about.length === 0 ? {} : { asked: about.map(({ id }) => id) }) };
}

const QUESTION = { code: 'APPROVAL_REQUIRED' } as const;

/** Who told of the call asks nobody, or that cannot be seen here. */
function unheard({ quotes, amount }: Weighed, about: readonly Approval[]): Refusal {
  const ids = about.map(({ id }) => `\`pag0 approve ${id}\``);
  const price = amount + sumOf(about);
  const way = ids.length === 0 ? "a person can raise `approveAbove` in pag0's configuration" : `a person can allow it in a terminal with ${ids.join(' or ')}`;
  const text = `${names(quotes)} costs ${formatDollars(price)}, above what needs a person's yes, and no client was seen to ask for one, so it was not sent; ${way}, else go on without it`;
  return refusal('APPROVAL_REQUIRED', text, { scope: 'request', price: price.toString() });
}

function dearest(quotes: readonly Quote[]): bigint {
  return quotes.reduce((most, { amount, call }) => (amount / BigInt(call.times) > most ? amount / BigInt(call.times) : most), 0n);
}

/** It does not run and nothing was charged: nobody is to wait for it, and nothing is to be sent in its name. */
function takeBack(parts: Parts, live: Live, call: ToolCall): void {
  parts.recall?.end(live, call.id, 'failed');
}

/**
 * What comes to the gateway is charged there, request by request, and the rest here. An agent whose money is spent is told
 * at once, and ended.
 */
async function chargeRest(parts: Parts, live: Live, agent: Agent, call: ToolCall, weighed: Weighed, { atHook }: Split, inForce: PolicyInForce): Promise<Charged> {
  const full = weighed.amount === 0n ? null : upheld(parts, live, agent, weighed, await wouldFit(parts, weighed));
  if (full !== null) return { refusal: full };
  const rest = atHook.length === 0 ? null : await weigh(parts, live, agent, atHook, inForce);
  if (rest === null || !('weighed' in rest)) return { pending: null };
  rest.weighed.noted = weighed.noted;
  return charge(parts, live, agent, call, rest);
}

type Charged = { pending: Pending | null } | { refusal: Refusal };

/** Charged at the hook, before it runs: all that the command is known to ask for. */
async function charge(parts: Parts, live: Live, agent: Agent, call: ToolCall, weighing: Extract<Weighing, { weighed: Weighed }>): Promise<Charged> {
  const { weighed } = weighing;
  const { quotes, standing } = weighed;
  if (weighing.outcome === 'free') {
    noteCalls(parts, live, agent, quotes, { what: 'free' });
    return { pending: null };
  }
  const full = await reserve(parts, live, agent, reservationKey(live, call.id), weighed);
  if (full !== null) return { refusal: full };
  return { pending: { quotes, scopes: standing.scopes, sole: soleProgram(parts, call) } };
}

export function reservationKey(live: Live, toolUseId: string): string {
  return `${live.session.id}/${toolUseId}`;
}

function soleProgram(parts: Parts, call: ToolCall): string | null {
  if (call.tool !== 'Bash') return null;
  const { invocations, unreadable } = parts.readShell(String(call.input['command']));
  return invocations.length === 1 && !unreadable ? invocations[0]!.program : null;
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

/** Payments that were refused for want of a yes, and that this call may be about once more: the client can ask for it. */
function waitingFor(parts: Parts, live: Live, call: ToolCall, { quotes }: Weighed): readonly Approval[] {
  const canPay = call.tool === 'Bash' || call.tool === 'WebFetch' || call.tool.startsWith('mcp__');
  if (!canPay || !clientAsks(live, call.permissionMode)) return [];
  const labels = new Set(quotes.map((quoted) => callLabel(quoted.call)));
  return parts.approvals.list().filter((one) => one.session === live.session.id && !one.approved && labels.has(one.label));
}

/** Asked before anything is set aside. */
async function question(parts: Parts, weighed: Weighed, waiting: readonly Approval[]): Promise<string> {
  const session = weighed.standing.scopes.find((scope) => scope.kind === 'session' && scope.limit !== null);
  // Whose seller demands a payment costs that, and not what the table says as well.
  const byTable = weighed.quotes.filter((quoted) => !waiting.some(({ label }) => label === callLabel(quoted.call)));
  const tableAmount = sumOf(byTable);
  const about = [...(weighed.ask && tableAmount > 0n ? [`${names(byTable)} costs ${formatDollars(tableAmount)}`] : []), ...waitingTexts(waiting)];
  const amount = tableAmount + sumOf(waiting);
  const price = `pag0 ${waiting[0]?.code ?? 'APPROVAL_REQUIRED'}: ${about.join('; ')}`;
  if (session === undefined) return `${price}; no session budget is set.`;
  const [balance] = await parts.ledger.balances([session.key]);
  return `${price}; ${formatDollars(session.limit! - counted(balance!) - amount)} of this session's ${formatDollars(session.limit!)} would be left.`;
}

/** Characters of an endpoint in a question: its agent chose it, and what it costs and who is paid stand behind it. */
const MAX_LABEL = 120;

/** A person's yes is for all of them, so those that read the same are counted. */
function waitingTexts(waiting: readonly Approval[]): string[] {
  const counts = new Map<string, number>();
  for (const { label, why, amount, payTo } of waiting) {
    const text = `${printable(label, MAX_LABEL)} ${why} (${formatDollars(amount)} to ${payTo})`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => (count === 1 ? text : `${text}, up to ${count} times`));
}

function sumOf(amounts: readonly { amount: bigint }[]): bigint {
  return amounts.reduce((sum, { amount }) => sum + amount, 0n);
}

/** Without a policy nobody can say what costs: local calls go on, the rest is refused with the repair. */
async function withoutPolicy(parts: Parts, live: Live, agent: Agent, call: ToolCall, calls: readonly Call[]): Promise<Decision> {
  const foreign = calls.filter((one) => one.endpoint?.local !== true);
  if (foreign.length === 0) return NOTHING;
  const problem = parts.policies.problems(live.session)[0]?.says ?? 'the configuration cannot be read';
  const quotes = foreign.map((one) => quote(one, []));
  return refuse(parts, live, agent, call, quotes, refusal('CONFIG_INVALID', `${names(quotes)} was not sent because pag0 has no valid policy: ${problem}; ask the person to mend the file`, { scope: 'configuration' }));
}

async function refuse(parts: Parts, live: Live, agent: Agent, call: ToolCall, quotes: readonly Quote[], why: Refusal): Promise<Decision> {
  const stands = await atAttempt(parts, live, agent, call.id, why);
  noteRefusal(parts, live, agent, quotes, stands);
  return { verdict: { verdict: 'refuse', refusal: stands }, pending: null };
}
