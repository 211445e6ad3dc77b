import { finished } from 'node:stream/promises';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Call } from '../core/call.ts';
import type { Endpoint } from '../core/endpoint.ts';
import { Pag0Error, refusal, type Refusal } from '../core/errors.ts';
import { ruled } from '../core/mode.ts';
import { endpointAllowed } from '../core/policy.ts';
import { quote, type Quote } from '../core/price.ts';
import type { ToolAnswer } from '../core/tool-call.ts';
import { calledName } from '../core/tree.ts';
import { digestOf, type CalledTool } from '../contract/tool-payment.ts';
import type { Payer, PaymentDemand, UnpayableDemand, WebAnswer, WebRequest } from '../ports.ts';
import { toldElsewhere } from './attempts.ts';
import { brokenPart } from './broken.ts';
import type { Spender } from './exchange.ts';
import { anyway, demandOf, isPayable, type PaidRequests } from './paid-request.ts';
import type { Parts } from './parts.ts';
import { requestDigest, type Bought, type Delivery, type Purchases } from './purchase.ts';
import { currentStanding } from './scopes.ts';
import type { Calling, Live } from './sessions.ts';
import { noteRefusal, noteShadow } from './weigh.ts';
import { modeOf } from './turns.ts';

/** Whoever made a call of an MCP tool, and where it goes where that is an address. */
export interface ToolAsker {
  session: string;
  called: CalledTool;
  endpoint: Endpoint | null;
  /** Aborted when nobody waits for the answer any more. */
  gone?: AbortSignal;
}

/** What came of a call with its payment. */
export interface ToolDelivery<T> {
  /** null: it is no answer to the call. */
  answer: Pick<ToolAnswer, 'demand' | 'settlement' | 'failed'> | null;
  /** Stands behind the tool's name: "answered 500". */
  how: string;
  value: T;
}

/** `passed`: nothing in it is ours to pay. */
export type ToolBought<T> = { outcome: 'passed' } | { outcome: 'bought'; value: T } | { outcome: 'refused'; refusal: Refusal };

/** MCP as a buyer speaks it, whatever carries the messages. */
export interface PaidToolCalls {
  /**
   * `demand`: JSON, as a tool's result has it. `deliver` repeats the call with the payload in `_meta`; it rejects when no
   * answer came, with `sent: false` when it is certain that the payment reached nobody.
   */
  meet<T>(asker: ToolAsker, demand: string, deliver: (payload: unknown) => Promise<ToolDelivery<T>>): Promise<ToolBought<T>>;
  /** The same where the demand is HTTP's own: a server that answers the whole request with 402. */
  meetHttp(asker: ToolAsker, request: WebRequest, unpaid: WebAnswer): Promise<{ outcome: 'passed'; answer: WebAnswer } | Exclude<ToolBought<WebAnswer>, { outcome: 'passed' }>>;
}

/** What is asked for, and by whom. */
interface Buying {
  spender: Spender;
  call: Call;
  request: string;
}

export interface PaidToolCallParts {
  parts: Parts;
  payer: Pick<Payer, 'demandOf' | 'settlementIn'>;
  purchases: Purchases;
  paidRequests: PaidRequests;
}

export function createPaidToolCalls({ parts, payer, purchases, paidRequests }: PaidToolCallParts): PaidToolCalls {
  async function meet<T>(asker: ToolAsker, demand: string, deliver: (payload: unknown) => Promise<ToolDelivery<T>>): Promise<ToolBought<T>> {
    const hasWallet = await purchases.hasWallet();
    const read = await demandIn(demand, hasWallet ? payer : anyway(payer));
    if (read === null) return { outcome: 'passed' };
    if (!hasWallet || !isPayable(read)) return declined(asker, read);
    const { gone } = asker;
    return bought(
      asker,
      ({ spender, call, request }) =>
        purchases.buy({ spender, call, demand: read, request, separate: true, ...(gone === undefined ? {} : { gone }) }, async ({ payload }) => {
          // Nothing has left yet, and nobody would take what comes.
          if (isGone(asker)) throw Object.assign(new Pag0Error('UPSTREAM_FAILED', 'whoever asked is gone'), { sent: false });
          const delivery = await delivered(await deliver(payload));
          return isGone(asker) ? { ...delivery, later: true } : delivery;
        }),
      async () => !isGone(asker),
    );
  }

  async function meetHttp(asker: ToolAsker, request: WebRequest, unpaid: WebAnswer): ReturnType<PaidToolCalls['meetHttp']> {
    const hasWallet = await purchases.hasWallet();
    const read = await demandOf(hasWallet ? payer : anyway(payer), unpaid);
    let { answer } = read;
    // A 402 may mean something else, and then it is the client's.
    if (read.demand === null) return { outcome: 'passed', answer };
    if (!hasWallet || !isPayable(read.demand)) {
      const no = declined(asker, read.demand);
      return no.outcome === 'passed' ? { outcome: 'passed', answer } : no;
    }
    const { gone } = asker;
    const buy = async ({ spender, call, request: digest }: Buying): Promise<Bought<WebAnswer>> => {
      // Each call has an id of its own in its body, so that tells no request from another.
      const outcome = await paidRequests.meet(spender, call, request, answer, { separate: true, request: digest, ...(gone === undefined ? {} : { gone }) });
      if (!('passed' in outcome)) return outcome;
      answer = outcome.passed;
      return { outcome: 'unpaid' };
    };
    const met = await bought(asker, buy, async ({ body }) => (Buffer.isBuffer(body) ? !isGone(asker) : finished(body, { writable: false }).then(() => !isGone(asker), () => false)));
    return met.outcome === 'passed' ? { outcome: 'passed', answer } : met;
  }

  function declined({ session, called }: ToolAsker, demand: PaymentDemand | UnpayableDemand): { outcome: 'passed' } | { outcome: 'refused'; refusal: Refusal } {
    const live = parts.sessions.get(session);
    if (live === undefined) return { outcome: 'passed' };
    const { spender } = spenderOf(live, called);
    const call: Call = { tool: spender.tool, method: 'CALL', endpoint: null, known: true, times: 1 };
    const { refusal: why, stands } = purchases.decline(spender, call, demand);
    if (!stands) return { outcome: 'passed' };
    noteRefusal(parts, live, spender.agent, [quote(call, [])], why);
    return { outcome: 'refused', refusal: why };
  }

  /** `arrives`: whether all of it came to whoever asked. */
  async function bought<T>(asker: ToolAsker, buy: (of: Buying) => Promise<Bought<T>>, arrives: (value: T) => Promise<boolean>): Promise<ToolBought<T>> {
    const { session, called, endpoint } = asker;
    const live = parts.sessions.get(session);
    if (live === undefined) return { outcome: 'refused', refusal: SESSION_UNKNOWN };
    const { spender, calling } = spenderOf(live, called);
    const { agent, tool } = spender;
    const call: Call = { tool, method: 'CALL', endpoint: null, known: true, times: 1 };
    const refuse = (why: Refusal, quotes: readonly Quote[] = [quote(call, [])]): { outcome: 'refused'; refusal: Refusal } => {
      noteRefusal(parts, live, agent, quotes, toldElsewhere(parts, agent, why));
      return { outcome: 'refused', refusal: why };
    };
    const { stands, shadow } = ruled(modeOf(parts, live), calling === null ? unasked(spender) : endpoint === null ? null : blocking(spender, endpoint));
    if (stands !== null) return refuse(stands);
    if (shadow !== null) {
      if (spender.noted !== true) noteShadow(parts, live, agent, [call], shadow);
      return { outcome: 'passed' };
    }
    try {
      const outcome = await buy({ spender, call, request: requestDigest([called.server, called.tool, called.arguments]) });
      if (outcome.outcome === 'unpaid') return { outcome: 'passed' };
      if (outcome.outcome === 'refused') return refuse(outcome.refusal, outcome.quotes);
      if (calling !== null) calling.paid += outcome.amount;
      void arrives(outcome.value).then(outcome.arrived);
      return { outcome: 'bought', value: outcome.value };
    } catch (error) {
      return refuse(brokenPart(error, `the payment for ${tool}`));
    }
  }

  async function delivered<T>({ answer, how, value }: ToolDelivery<T>): Promise<Delivery<T>> {
    const settlement = await payer.settlementIn(answer?.settlement ?? null).catch(() => null);
    const of = (came: Delivery<T>['came'], demand: PaymentDemand | null = null): Delivery<T> => ({ came, settlement, demand, how, value, discard: () => {} });
    if (answer === null) return of('elsewhere');
    if (answer.demand !== null) {
      const demand = await demandIn(answer.demand).catch(() => null);
      return of('demanded', demand !== null && isPayable(demand) ? demand : null);
    }
    return of(answer.failed ? 'failed' : 'answered');
  }

  function demandIn(text: string, by: Pick<Payer, 'demandOf'> = payer): Promise<PaymentDemand | UnpayableDemand | null> {
    return by.demandOf({ fields: {}, body: Buffer.from(text) });
  }

  /**
   * Lists name MCP calls by their tool, as at the hook. One that blocks a host means it here as well; one that allows hosts means
   * the server's, too, for whose tool it is no call says.
   */
  function blocking({ live, agent, tool }: Spender, endpoint: Endpoint): Refusal | null {
    const inForce = parts.policies.of(live.session);
    if (inForce === null) return null;
    const { limits } = currentStanding(parts, live, agent, inForce, parts.clock());
    const allowed = [...inForce.policy.allowedEndpoints, ...limits.allowedEndpoints].filter((list) => list.some(namesHost));
    const verdict = endpointAllowed(endpoint, tool, allowed, [...inForce.policy.blockedEndpoints, ...limits.blockedEndpoints]);
    if (verdict.allowed) return null;
    return refusal('ENDPOINT_NOT_ALLOWED', `${calledName(agent)} may not spend at ${endpoint.name} (${verdict.rule}), so ${tool} was not paid; use an allowed source or go on without it`, { scope: calledName(agent) });
  }

  /** The client names the call of its model in `_meta`; what does not is found by what was asked. */
  function spenderOf(live: Live, called: CalledTool): { spender: Spender; calling: Calling | null } {
    const [toolUseId, calling] = found(live, called) ?? [called.toolUseId, null];
    const agent = live.session.agents.get(calling?.agent ?? '') ?? parts.sessions.agentOf(live, undefined, undefined);
    const tool = calling?.tool ?? `mcp__${nameInClient(called.name)}__${nameInClient(called.tool)}`;
    const spender: Spender = { live, agent, tool, toolUseId, alerts: calling?.alerts ?? null, approvedUpTo: 0n };
    return { spender: calling === null ? spender : { ...spender, approvals: calling.approvals, noted: calling.noted ?? false }, calling };
  }

  return { meet, meetHttp };
}

/** Of a session's calls in flight the one that this is. */
export function found(live: Live, called: CalledTool): [string, Calling] | null {
  const ending = `__${nameInClient(called.tool)}`;
  if (called.toolUseId !== null) {
    const calling = live.calling.get(called.toolUseId);
    return calling?.tool.endsWith(ending) === true ? [called.toolUseId, calling] : null;
  }
  return [...live.calling].find(([, { tool, input }]) => tool.endsWith(ending) && digestOf(canonicalJson(JSON.stringify(input)) ?? '') === called.arguments) ?? null;
}

/** Whatever a server calls itself and its tools, the client's names for them have these letters. */
function nameInClient(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, '_');
}

/** No name of a tool has one of these letters. */
function namesHost(pattern: string): boolean {
  return /[./:]/.test(pattern);
}

function isGone({ gone }: ToolAsker): boolean {
  return gone?.aborted === true;
}

/**
 * The client tells of every call before it makes it, under the name that lists and remembered terms go by. What came by no such
 * call has no name but the one that its asker gives it, and what is not known is on no list.
 */
function unasked({ agent, tool }: Spender): Refusal {
  return refusal('ENDPOINT_NOT_ALLOWED', `${tool} asks to be paid and no call of it is under way in this session, so whose it is cannot be known and nothing was paid; use the client's own MCP tools or go on without it`, { scope: agent.name });
}

const SESSION_UNKNOWN = refusal('SESSION_UNKNOWN', 'the session this call belongs to is not known to pag0, so nothing was paid; ask the person to start the session again', { scope: 'session' });
