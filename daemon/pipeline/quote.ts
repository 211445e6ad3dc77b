import { formatDollars } from '../core/amount.ts';
import { callLabel, type Call } from '../core/call.ts';
import { endpointOf } from '../core/endpoint.ts';
import { refusal, type Refusal } from '../core/errors.ts';
import { choosePayment, type PaymentOption } from '../core/payment-choice.ts';
import type { Policy } from '../core/policy.ts';
import { quote, type Quote } from '../core/price.ts';
import { letsOut } from '../core/sandbox.ts';
import { MAIN, type Agent, type Session } from '../core/tree.ts';
import { cannotBePaid } from '../core/unpaid.ts';
import type { QuoteView } from '../contract/quote-views.ts';
import { readForest } from '../report/forest.ts';
import type { AnswerCache, Payer, StoredAnswer, Upstream, WebAnswer, WebRequest } from '../ports.ts';
import type { Spender } from './exchange.ts';
import { demandOf, discard, isPayable, PAYMENT_FIELDS } from './paid-request.ts';
import type { Parts } from './parts.ts';
import { placeOf } from './place.ts';
import { requestDigest, type Purchases } from './purchase.ts';
import { atWork, type Live } from './sessions.ts';
import { asEnforced, weigh, wouldFit } from './weigh.ts';

/** What a call would cost, and what would become of it, without paying, without a reservation and without a line in the book. */
export interface Quotes {
  of(asked: AskedQuote): Promise<Quoted>;
}

export interface AskedQuote {
  request: WebRequest & { body: Buffer | null };
  /** null: pag0 has seen none. */
  session: Session | null;
  cwd: string;
  agent: string | null;
  /** Else nothing is sent: a request may do what it says, paid or not. */
  send: boolean;
}

export type Quoted = { ok: true; quote: QuoteView } | { ok: false; code: 'BAD_REQUEST' | 'NOT_FOUND' | 'GATEWAY_LOOP'; problem: string };

export interface QuoteParts {
  parts: Parts;
  cache: Pick<AnswerCache, 'mayKeep' | 'find'>;
  upstream: Pick<Upstream, 'send'>;
  payer: Pick<Payer, 'demandOf'>;
  purchases: Pick<Purchases, 'hasWallet' | 'estimate'>;
  /** It leads to the daemon itself. */
  isOwn(url: URL): boolean;
}

/** A person waits for it. */
const PROBE_MS = 10_000;

export function createQuotes({ parts, cache, upstream, payer, purchases, isOwn }: QuoteParts): Quotes {
  async function of({ request, session, cwd, agent: named, send }: AskedQuote): Promise<Quoted> {
    const wrong = problemOf(request);
    if (wrong !== null) return { ok: false, code: 'BAD_REQUEST', problem: wrong };
    const url = new URL(request.url);
    url.hash = '';
    if (isOwn(url)) return { ok: false, code: 'GATEWAY_LOOP', problem: 'this address leads to pag0 itself, so it was not asked' };
    const live = (session === null ? undefined : parts.sessions.get(session.id)) ?? atWork(session ?? nobodys(cwd, parts.clock()), parts.clock());
    const found = named === null ? { live, agent: live.session.agents.get(live.turn?.agent ?? MAIN) ?? live.session.agents.get(MAIN)! } : agentNamed(live, named);
    if (found === null) return { ok: false, code: 'NOT_FOUND', problem: `there is no agent ${JSON.stringify(named)} in this session; \`pag0 budget\` shows those there are` };
    const spender: Spender = { ...found, tool: 'Bash', toolUseId: null, alerts: null, approvedUpTo: 0n };
    const asked = { ...request, url: url.href };
    return { ok: true, quote: { url: url.href, method: request.method, session: session?.id ?? null, agent: found.agent.kind === 'turn' ? MAIN : found.agent.name, ...BLANK, ...(await judged(spender, asked, send)) } };
  }

  async function judged(spender: Spender, request: AskedQuote['request'], send: boolean): Promise<Verdict> {
    const { live, agent, tool } = spender;
    const inForce = parts.policies.of(live.session);
    if (inForce === null) return { mode: 'enforce', outcome: 'refused', code: 'CONFIG_INVALID', sentence: parts.policies.problems(live.session)[0]?.says ?? 'the configuration cannot be read' };
    const { policy } = inForce;
    const call: Call = { tool, method: request.method, endpoint: endpointOf(request.url), known: true, times: 1 };
    const quoted = quote(call, policy.prices);
    const about = { mode: policy.mode, ...pricedBy(quoted) };
    const weighing = asEnforced(await weigh(parts, live, agent, [call], inForce));
    if (weighing.outcome === 'ungoverned') return { ...about, outcome: 'ungoverned', price: '0' };
    // As at the gateway, nobody sends a request that may not be made, and nobody sends one whose answer is here.
    if (weighing.outcome === 'refused') return { ...about, outcome: 'refused', ...saying(weighing.refusal) };
    const kept = await keptAnswer(live, policy, request);
    if (kept !== null) return { ...about, outcome: 'cached', price: '0', cached: { id: kept.id, price: kept.price.toString(), storedAt: kept.storedAt, expiresAt: kept.expiresAt } };
    const outside = confined(live, request.url);
    if (outside !== null) return { ...about, outcome: 'refused', ...saying(outside) };
    if (about.priced !== 'table') return { ...about, ...(send ? await probed(spender, call, request, policy) : { outcome: 'unsent' as const }) };
    const full = await wouldFit(parts, weighing.weighed);
    if (full !== null) return { ...about, outcome: 'refused', ...saying(full) };
    if (weighing.weighed.ask) return { ...about, outcome: 'asks', code: 'APPROVAL_REQUIRED', sentence: `${callLabel(call)} costs ${formatDollars(quoted.amount)}, above what needs a person's yes` };
    return { ...about, outcome: 'billed' };
  }

  /** The daemon stands outside of the sandbox, and asks nobody for whoever sits in it where that could not ask itself. */
  function confined(live: Live, address: string): Refusal | null {
    const sandbox = parts.sandboxOf(live);
    if (sandbox.exit !== 'pag0') return null;
    const { hostname, port, protocol } = new URL(address);
    const to = { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port) };
    if (letsOut(sandbox, to, live.permissionMode) === 'yes') return null;
    return refusal('ENDPOINT_NOT_ALLOWED', `the sandbox of this session does not let its commands reach ${to.host}, so it was not asked`, { scope: 'sandbox' });
  }

  /** A broken cache is said to hold nothing: nobody pays for that here. */
  async function keptAnswer(live: Live, policy: Policy, request: WebRequest): Promise<StoredAnswer | null> {
    const place = placeOf(parts, live, policy);
    const found = cache.mayKeep(place, request) ? await cache.find(place, request, parts.clock()).catch(() => null) : null;
    return found?.state === 'fresh' ? found.answer : null;
  }

  /** Asks the seller, once and without a payment. Of the answer nothing but status and demand is read. */
  async function probed(spender: Spender, call: Call, request: AskedQuote['request'], policy: Policy): Promise<Partial<QuoteView> & Pick<QuoteView, 'outcome'>> {
    let answer: WebAnswer;
    try {
      answer = await upstream.send(request, AbortSignal.timeout(PROBE_MS));
    } catch (error) {
      const { code, message } = error as { code?: unknown; message?: string };
      return { outcome: 'failed', code: typeof code === 'string' ? code : 'UPSTREAM_FAILED', sentence: message ?? 'it could not be asked' };
    }
    const answered = answer.status;
    if (answered !== 402) {
      discard(answer);
      return { outcome: 'free', price: '0', answered };
    }
    const { demand, answer: whole } = await demandOf(payer, answer);
    discard(whole);
    if (demand === null) return { outcome: 'unpaid', answered, price: null, code: 'PAYMENT_FAILED', sentence: 'it demands to be paid in no way that pag0 can pay' };
    if (!isPayable(demand)) return { outcome: 'unpaid', answered, price: null, ...saying(cannotBePaid(callLabel(call), demand)) };
    if (!(await purchases.hasWallet())) {
      const chosen = choosePayment({ label: callLabel(call), options: demand.options, rules: policy.payment, wallet: '', limit: null, first: null });
      return { outcome: 'unpaid', answered, ...(chosen.outcome === 'refused' ? { price: null } : optionOf(chosen.option)), code: 'PAYMENT_FAILED', sentence: 'there is no wallet (`pag0 wallet create`), so the demand is passed on' };
    }
    const place = placeOf(parts, spender.live, policy);
    const estimate = await purchases.estimate({ spender, call, demand, request: requestDigest([request.method, request.url, request.body]), separate: !cache.mayKeep(place, request) }, true);
    const option = { answered, ...(estimate.option === null ? { price: null } : optionOf(estimate.option)) };
    switch (estimate.outcome) {
      case 'pays':
        return { ...option, outcome: 'pays' };
      case 'asks':
        return { ...option, outcome: 'asks', code: estimate.code, sentence: `${callLabel(call)} ${estimate.why}` };
      case 'refused':
        return { ...option, outcome: 'refused', ...saying(estimate.refusal) };
    }
  }

  /** By the name that the tree shows, in a nested session too. */
  function agentNamed(live: Live, name: string): { live: Live; agent: Agent } | null {
    const forest = readForest(parts);
    const seats = forest.family(live.session).flatMap((session) => forest.shown(session).map((agent) => ({ session, agent })));
    const seat = seats.findLast(({ session, agent }) => forest.nameOf(session, agent.id) === name) ?? seats.find(({ agent }) => agent.id === name);
    if (seat === undefined) return null;
    return { live: seat.session.id === live.session.id ? live : (parts.sessions.get(seat.session.id) ?? atWork(seat.session, parts.clock())), agent: seat.agent };
  }

  return { of };
}

type Verdict = Partial<QuoteView> & Pick<QuoteView, 'mode' | 'outcome'>;

const BLANK = { priced: 'nobody' as const, price: null, byUse: false, payTo: null, network: null, asset: null, answered: null, cached: null, code: null, sentence: null };

function pricedBy({ rule, amount }: Quote): Pick<QuoteView, 'priced' | 'price' | 'byUse'> {
  if (rule === null) return { priced: 'nobody', price: null, byUse: false };
  if (rule.price === 'x402') return { priced: 'seller', price: null, byUse: false };
  return { priced: 'table', price: amount.toString(), byUse: rule.tokens !== null };
}

function optionOf({ amount, payTo, network, asset }: PaymentOption): Pick<QuoteView, 'price' | 'payTo' | 'network' | 'asset'> {
  return { price: amount.toString(), payTo, network, asset };
}

function saying({ code, sentence }: { code: string; sentence: string }): Pick<QuoteView, 'code' | 'sentence'> {
  return { code, sentence };
}

function problemOf({ url, method, fields }: WebRequest): string | null {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return `${JSON.stringify(url.slice(0, 200))} is not an address; write all of it, with https://`;
  const { username, password } = new URL(url);
  if (username !== '' || password !== '') return 'the address has a user name in it; write it as a header field (-H)';
  if (method === 'CONNECT') return 'CONNECT asks a proxy, and no seller';
  if (PAYMENT_FIELDS.some((name) => fields[name] !== undefined)) return 'a quote carries no payment';
  return null;
}

/** Before the first session the defaults are asked, with what the folder's own file says. */
function nobodys(cwd: string, now: number): Session {
  const main: Agent = { id: MAIN, name: MAIN, type: MAIN, kind: 'main', parent: null, startedAt: now, endedAt: null, stopped: null, iterations: 0 };
  const id = `nobody's in ${cwd}`;
  return { id, parent: null, run: id, project: cwd, cwd, transcript: null, attended: false, clientPid: null, options: {}, agents: new Map([[MAIN, main]]), turn: null, startedAt: now, endedAt: null };
}
