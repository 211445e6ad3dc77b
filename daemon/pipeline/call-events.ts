import { createHash } from 'node:crypto';
import type { EventOf } from '../contract/events.ts';
import { classify } from '../core/classify.ts';
import { refusal } from '../core/errors.ts';
import { ruled } from '../core/mode.ts';
import { mayOutlive } from '../core/outliving.ts';
import type { Quote } from '../core/price.ts';
import { looksAtAnything } from '../core/passage.ts';
import { exitOf } from '../core/sandbox.ts';
import type { Agent } from '../core/tree.ts';
import { brokenPart } from './broken.ts';
import { decide, reservationKey, type Decision } from './decide.ts';
import { noteLaunch } from './launches.ts';
import { PASS, type Parts, type ToolCall } from './parts.ts';
import { recent } from './recent.ts';
import { repeatHints } from './repeats.ts';
import type { Reply, Sender } from './reply.ts';
import { bashCall, type Calling, type Hint, type Live, type Running } from './sessions.ts';
import { settle, type Settled } from './settle.ts';
import { answerText, wholeText } from './tool-result.ts';
import { modeOf, nameTurnByModel, noteWork, resumeTurn } from './turns.ts';
import { isDemand } from './web-fetch.ts';

/** Decisions remembered until their call has run: two hook entries may post the same call. */
const MAX_DECISIONS = 1_000;

/** Characters of a call's input kept as they are. */
const MAX_INPUT_KEPT = 512;

/** How long, in ms, an answer that was given in a call's place is remembered: it may be long. */
const SERVED_KEPT_MS = 10_000;

/** Calls in flight remembered by session. */
const MAX_TRACKED = 1_000;

/** The two ends of a tool call: what is decided before it runs, and what is settled and learnt when it has. */
export interface CallEvents {
  before(live: Live, event: EventOf<'PreToolUse'>, sender: Sender): Promise<Reply>;
  /** `error`: the call failed, with this text; null when it went well. */
  after(live: Live, event: EventOf<'PostToolUse'> | EventOf<'PostToolUseFailure'>, sender: Sender, response: unknown, error: string | null): Promise<Reply>;
}

export function createCallEvents(parts: Parts): CallEvents {
  const decisions = recent<{ call: string; decision: Promise<Decision> }>(MAX_DECISIONS);

  async function before(live: Live, event: EventOf<'PreToolUse'>, sender: Sender): Promise<Reply> {
    const call = toolCall(event);
    const key = reservationKey(live, call.id);
    const print = fingerprint(call);
    const known = decisions.get(key);
    if (known !== undefined) {
      // The same id with another call is not the same call, whoever says so.
      if (known.call !== print) return refuseReply('BAD_REQUEST', 'two different calls came under one id, so the second was not run; make it again');
      const decided = await known.decision;
      // While the person thinks about it, nobody else is handed what was asked for.
      if (decided.verdict.verdict === 'ask' && !(await sender.isClient())) return refuseReply('APPROVAL_REQUIRED', 'its person is being asked about this call at the client, so nobody else is answered');
      return verdictReply(live, call, decided);
    }
    const decision = decideSafely(live, call, sender);
    decisions.set(key, { call: print, decision });
    track(live, call);
    const decided = await decision;
    const running = live.running.get(call.id);
    const calling = live.calling.get(call.id);
    if (calling !== undefined) Object.assign(calling, { approvals: decided.asked ?? [], noted: decided.noted ?? false } satisfies Partial<Calling>);
    if (decided.verdict.verdict === 'refuse' || decided.verdict.verdict === 'serve') live.calling.delete(call.id);
    if (decided.verdict.verdict === 'refuse') {
      live.running.delete(call.id);
      live.spawning.delete(call.id);
    } else if (decided.verdict.verdict === 'serve') {
      // No event tells of its end; its first line, which says how old it is, is not what came of it. A second hook entry that posts the same call does so at once.
      noteWork(live, parts.sessions.agentOf(live, call.agentId, call.agentType), call.tool, call.input, decided.verdict.text.slice(decided.verdict.text.indexOf('\n')));
      setTimeout(() => decisions.delete(key), SERVED_KEPT_MS).unref();
    } else if (running !== undefined) {
      running.approvedUpTo = decided.approvedUpTo ?? 0n;
      running.approvals = decided.asked ?? [];
      running.noted = decided.noted ?? false;
      if (decided.pending !== null) running.charged = chargedFor(decided.pending.quotes);
      live.shellUsers.add(running.agent);
      if (looksAtAnything(parts.policies.of(live.session)?.policy ?? null, parts.wallet() !== '')) await parts.shells?.begin(live, running);
      else running.begunAt = parts.clock();
    }
    return verdictReply(live, call, decided);
  }

  async function decideSafely(live: Live, call: ToolCall, sender: Sender): Promise<Decision> {
    try {
      return await decide(parts, live, call, sender.isClient);
    } catch (error) {
      const calls = classify(call.tool, call.input, parts.readShell).filter((one) => one.endpoint?.local !== true);
      // Who only watches holds nobody up when it cannot.
      const { stands, shadow } = ruled(modeOf(parts, live), calls.length === 0 ? null : brokenPart(error, 'the call'));
      if (shadow !== null) parts.watched('shadow: would have been refused', { code: shadow.code, call: call.tool, session: live.session.id });
      return { verdict: stands === null ? PASS : { verdict: 'refuse', refusal: stands }, pending: null };
    }
  }

  /** What a later event asks about: which agent ran which command, and which agent started which. */
  function track(live: Live, call: ToolCall): void {
    const agent = parts.sessions.agentOf(live, call.agentId, call.agentType).id;
    if (call.tool === 'Bash') {
      const command = String(call.input['command'] ?? '');
      noteLaunch(live, agent, command, parts.clock());
      const sandboxed = exitOf(parts.sandboxOf(live), call.input) === 'pag0';
      const inBackground = call.input['run_in_background'] === true;
      limited(live.running).set(call.id, bashCall({ id: call.id, agent, command, outlives: outlives(parts, call), inBackground, sandboxed }));
    } else if (call.tool.startsWith('mcp__')) limited(live.calling).set(call.id, { agent, tool: call.tool, input: call.input, approvals: [], alerts: [], paid: 0n });
    else if (call.tool === 'Skill' && call.agentId === undefined) nameTurnByModel(parts, live, String(call.input['skill'] ?? ''));
    else if (call.tool === 'Agent' || call.tool === 'Task') limited(live.spawning).set(call.id, { agent, type: String(call.input['subagent_type'] ?? ''), name: nameGiven(call), running: true, born: false });
  }

  async function after(live: Live, event: EventOf<'PostToolUse'> | EventOf<'PostToolUseFailure'>, sender: Sender, response: unknown, error: string | null): Promise<Reply> {
    const call = toolCall(event);
    const answer = answerText(response);
    const running = live.running.get(call.id);
    live.running.delete(call.id);
    if (running !== undefined) ended(live, running, response);
    const calling = live.calling.get(call.id);
    live.calling.delete(call.id);
    const spawned = live.spawning.get(call.id);
    if (spawned !== undefined) spawned.running = false;
    const agent = resumeTurn(parts, live, call);
    noteWork(live, agent, call.tool, call.input, error ?? answer);
    const key = reservationKey(live, call.id);
    const known = decisions.get(key);
    const decision = await known?.decision;
    const hasRun = known?.call === fingerprint(call) && (decision?.verdict.verdict === 'pass' || decision?.verdict.verdict === 'ask');
    const pending = decision?.pending ?? undefined;
    let learnt: string | null = null;
    let settled: Settled = { spent: pending?.quotes.reduce((sum, { amount }) => sum + amount, 0n) ?? 0n, alerts: [] };
    try {
      settled = await settle(parts, live, { toolUseId: call.id, answer, error, demanded: (calling?.paid ?? 0n) > 0n || (call.tool === 'WebFetch' && error !== null && isDemand(error)) }, pending);
      decisions.delete(key);
    } finally {
      // Also when the ledger cannot be written: it ran and was paid for, and others may wait for what came of it.
      // Rewritten by somebody else's hook its answer is not one to what was asked.
      if (!hasRun) parts.recall?.end(live, call.id, known === undefined ? 'unknown' : 'failed');
      else if (call.tool !== 'Bash') learnt = await learn(live, agent, call, response, error, { price: settled.spent + (calling?.paid ?? 0n), approvals: await agreedTo(decision, sender) });
    }
    const repeats = repeatHints(live, agent.id, call.agentId === undefined);
    const alerts = [...settled.alerts, ...repeats];
    live.notices.push(...alerts);
    const child = event.hook_event_name === 'PostToolUse' && (call.tool === 'Agent' || call.tool === 'Task') ? childOf(live, agent, call, event.tool_response) : null;
    const context = [...hintsFor(live, agent, parts.clock()), ...(running?.alerts ?? calling?.alerts ?? []), ...alerts, ...[child, learnt].filter((text) => text !== null)].join('\n');
    return context === '' ? {} : { context };
  }

  /** The client tells at once of the end of what it runs in the background; and of what a command leaves at work it tells nothing. */
  function ended(live: Live, running: Running, response: unknown): void {
    running.endedAt = parts.clock();
    const task = (response as { backgroundTaskId?: unknown } | null)?.backgroundTaskId;
    running.task = typeof task === 'string' ? task : null;
    if (running.outlives || running.task !== null) limited(live.background).set(running.id, running);
  }

  /** That a call was asked about and has run proves a person's yes only from the mouth of the client that asked. */
  async function agreedTo(decision: Decision | undefined, sender: Sender): Promise<readonly string[]> {
    const asked = decision?.asked ?? [];
    return asked.length === 0 || (await sender.isClient()) ? asked : [];
  }

  /** What the next one to ask the same need not ask; and what this one is to be told of a call that failed. Only of calls that were let run: the daemon fetches nothing on anybody's word that there was one. */
  async function learn(live: Live, agent: Agent, call: ToolCall, response: unknown, error: string | null, { price, approvals }: { price: bigint; approvals: readonly string[] }): Promise<string | null> {
    if (error !== null) return (await parts.recall?.failed(live, agent, call, error, approvals)) ?? null;
    await parts.recall?.after(live, agent, call, { response, text: wholeText(response), price });
    return null;
  }

  /** A call that was turned down never ends, so the oldest makes room. */
  function limited<T>(calls: Map<string, T>): Map<string, T> {
    if (calls.size >= MAX_TRACKED) calls.delete(calls.keys().next().value!);
    return calls;
  }

  /** The parent's own result names the child: an edge of the tree, and the place to say why a child came back empty. */
  function childOf(live: Live, parent: Agent, call: ToolCall, response: unknown): string | null {
    if (typeof response !== 'object' || response === null) return null;
    const { agentId, agentType, status, resumedAgentId } = response as Record<string, unknown>;
    const id = typeof agentId === 'string' ? agentId : typeof resumedAgentId === 'string' ? resumedAgentId : null;
    if (id === null || id.length > 256) return null;
    parts.sessions.learnChild(live, { id, type: typeof agentType === 'string' ? agentType : String(call.input['subagent_type'] ?? ''), given: nameGiven(call), parent: parent.id });
    const child = live.session.agents.get(id);
    if (child === undefined || status === 'async_launched' || status === 'teammate_spawned') return null;
    child.endedAt ??= parts.clock();
    live.rounds.delete(child.id);
    parts.sessions.save(live, child);
    return child.stopped === null ? null : `${child.name} was ended by pag0 (${child.stopped.code}) because ${child.stopped.reason}; its work so far is all there will be.`;
  }

  function verdictReply(live: Live, call: ToolCall, { verdict }: Decision): Reply {
    if (verdict.verdict !== 'refuse') return { verdict };
    const { refusal: why } = verdict;
    if (call.agentId !== undefined && why.ends !== null) {
      const agent = parts.sessions.agentOf(live, call.agentId, call.agentType);
      if (agent.stopped?.attempts === 1) live.notices.push(`pag0 ${why.code}: ${agent.name} was ended because ${why.ends}.`);
    }
    return { verdict, ...(why.ends === null ? {} : { stop: why.sentence }), ...(call.agentId === undefined ? { message: why.sentence } : {}) };
  }

  return { before, after };
}

/** `Agent{name: 'researcher-1'}` */
function nameGiven({ input }: ToolCall): string {
  return typeof input['name'] === 'string' ? input['name'] : '';
}

/** What a person has allowed since: for whoever asked, or for the main thread when that one is gone. */
function hintsFor(live: Live, agent: Agent, now: number): string[] {
  const { agents } = live.session;
  const isAtWork = (asker: Agent | undefined): boolean => asker?.kind === 'subagent' && asker.endedAt === null;
  const isFor = ({ agent: asker }: Hint): boolean => asker === agent.id || (agent.kind !== 'subagent' && !isAtWork(agents.get(asker)));
  const told = live.hints.filter(isFor);
  if (told.length > 0) live.hints = live.hints.filter((hint) => !isFor(hint));
  return told.filter(({ until }) => until > now).map(({ text }) => text);
}

/** What is free opens nothing: behind the same host others may cost. */
function chargedFor(quotes: readonly Quote[]): Running['charged'] {
  return quotes.flatMap(({ call, amount }) => (call.endpoint === null || amount === 0n ? [] : [{ host: call.endpoint.host, left: call.times }]));
}

function outlives(parts: Parts, { input }: ToolCall): boolean {
  if (input['run_in_background'] === true) return true;
  const command = input['command'];
  // Most commands leave nothing behind, and are not parsed for this.
  return typeof command === 'string' && LEAVES_WORK.test(command) && mayOutlive(parts.readShell(command));
}

/** `&` but not `&&`, `&>` or `>&`; a program that leaves work behind it. */
const LEAVES_WORK = /(?<![&>])&(?![&>])|\bcoproc\b|nohup|setsid|disown|daemon|systemd-run|\bat\b|\bbatch\b|tmux|screen|dtach|abduco|zellij/;

/** Enough to tell two calls apart. A Write's input may be a whole file, and is not kept for the sake of it. */
function fingerprint({ tool, input }: ToolCall): string {
  const text = `${tool} ${JSON.stringify(input)}`;
  return text.length <= MAX_INPUT_KEPT ? text : createHash('sha256').update(text).digest('base64');
}

function toolCall(event: { tool_use_id: string; tool_name: string; tool_input?: Record<string, unknown> | undefined; agent_id?: string | undefined; agent_type?: string | undefined; prompt_id?: string | undefined; permission_mode?: string | undefined }): ToolCall {
  return { id: event.tool_use_id, tool: event.tool_name, input: event.tool_input ?? {}, agentId: event.agent_id, agentType: event.agent_type, promptId: event.prompt_id, permissionMode: event.permission_mode ?? null };
}

function refuseReply(code: 'BAD_REQUEST' | 'APPROVAL_REQUIRED', text: string): Reply {
  return { verdict: { verdict: 'refuse', refusal: refusal(code, text, { scope: 'call' }) } };
}
