import { formatDollars } from '../core/amount.ts';
import { refusal } from '../core/errors.ts';
import { fieldValue } from '../core/fields.ts';
import { WEB_FETCH } from '../core/reuse.ts';
import type { Agent } from '../core/tree.ts';
import type { AnswerCache, PageConverter, WebAnswer, WebRequest } from '../ports.ts';
import type { Demands } from './demands.ts';
import type { Exchange, Spender } from './exchange.ts';
import { pageText } from './page-text.ts';
import { discard } from './paid-request.ts';
import type { Parts, ToolCall } from './parts.ts';
import { placeOf } from './place.ts';
import { ago, RUNS, served, type Recalled } from './served.ts';
import type { Live } from './sessions.ts';
import { noteCalls, originOf, type Weighed } from './weigh.ts';

/**
 * The client's WebFetch goes through no proxy, so a page that costs, that somebody has already, or that asks to be paid
 * is read here and given in the call's place. Every other page the client reads itself, and what it read is remembered.
 */
export interface WebFetches {
  /** `mayFetch`: it may be fetched now; else only what is kept already is given. */
  before(live: Live, agent: Agent, call: ToolCall, weighed: Weighed, mayFetch: boolean): Promise<Recalled>;
  /** The client has read it: what it made of the page for this prompt. */
  after(live: Live, agent: Agent, call: ToolCall, response: unknown, price: bigint): Promise<void>;
  /** The client could not. What its own fetch had no means to pay for is bought here: the text that the agent is to be given; null: none. */
  failed(live: Live, agent: Agent, call: ToolCall, error: string, approvals: readonly string[]): Promise<string | null>;
}

export interface WebFetchParts {
  parts: Parts;
  cache: AnswerCache;
  exchange: Exchange;
  demands: Demands;
  pages: PageConverter;
}

/** Shorter than the client waits for a hook. */
const WAIT_MS = 45_000;
/** As a browser would; the client's own WebFetch goes as far. */
const MAX_HOPS = 5;
const MAX_URL = 2_000;
/** What curl sends, so that both are given one answer. */
const FIELDS = { accept: '*/*', 'user-agent': 'pag0 (WebFetch)' };

export function createWebFetches({ parts, cache, exchange, demands, pages }: WebFetchParts): WebFetches {
  async function before(live: Live, agent: Agent, call: ToolCall, weighed: Weighed, mayFetch: boolean): Promise<Recalled> {
    const asked = requestsOf(call, weighed);
    if (asked === null) return RUNS;
    const place = placeOf(parts, live, weighed.policy);
    const now = parts.clock();
    const read = await cache.find(place, asked.reading, now);
    if (read.state === 'fresh') {
      noteCalls(parts, live, agent, weighed.quotes, { what: 'hit', saved: read.answer.price });
      const line = `this is what was read of the page and not an error. ${asked.page.url} was fetched for the same prompt ${ago(now - read.answer.storedAt)}, and the result comes from the cache, so it cost nothing.`;
      return served(line, read.answer.body.toString('utf8'), 'ask for less of it in the prompt');
    }
    const isKept = (await cache.find(place, asked.page, now)).state === 'fresh';
    const isDemanded = demands.has(asked.page.url) || weighed.quotes.some(({ rule }) => rule?.price === 'x402');
    if (!isKept && !(mayFetch && (weighed.amount > 0n || isDemanded))) return RUNS;
    const page = fetched({ live, agent, tool: call.tool, toolUseId: call.id, alerts: [], approvedUpTo: mayFetch ? weighed.amount : 0n, approvals: [] }, asked.page);
    return inTime(page);
  }

  async function fetched(spender: Spender, page: WebRequest): Promise<Recalled> {
    let { url } = page;
    let charged = 0n;
    try {
      for (let hop = 0; hop <= MAX_HOPS; hop += 1) {
        // What was paid for is fetched to its end, whoever waits for it.
        const exchanged = await exchange.send(spender, { ...page, url }, new AbortController().signal);
        if ('refusal' in exchanged) return { outcome: 'refused', refusal: exchanged.refusal };
        charged += exchanged.charged;
        const { answer } = exchanged;
        const next = redirectOf(answer, url);
        if (next === null) return await shown(spender, answer, url, charged);
        discard(answer);
        // Elsewhere the agent goes itself: what may be reached there is not for this page to say.
        // And what a payment was signed for leads to no second one by itself.
        const isBought = answer.fields['x-pag0-payment'] !== undefined;
        if (isBought || !isSamePlace(next, new URL(url))) return served(`${url} answered ${answer.status}${isBought ? ` (${costOf(answer, charged)})` : ''}: the page is at ${next.href} now. WebFetch that address.`, '', '');
        url = next.href;
      }
      return served(`${url} leads from one address to the next, ${MAX_HOPS} times and more. Go on without it.`, '', '');
    } catch (error) {
      const { code, message } = error as { code?: unknown; message?: string };
      if (typeof (error as { sent?: unknown }).sent !== 'boolean') throw error;
      const cost = charged === 0n ? '' : `, and ${formatDollars(charged)} was paid`;
      return { outcome: 'refused', refusal: refusal(code === 'UPSTREAM_TIMEOUT' ? code : 'UPSTREAM_FAILED', `the page was not fetched (${String(message).replace(/\.$/, '')}${cost}); go on without it`, { scope: 'request' }) };
    }
  }

  async function shown(spender: Spender, answer: WebAnswer, url: string, charged: bigint): Promise<Recalled> {
    const { status } = answer;
    const cost = costOf(answer, charged);
    const page = await pageText(answer, url, pages).catch(() => null);
    discard(answer);
    if (page === null) return { outcome: 'refused', refusal: refusal('UPSTREAM_FAILED', `${url} broke off in the middle (${cost}); go on without it`, { scope: 'request' }) };
    const told = spender.alerts === null || spender.alerts.length === 0 ? '' : `\n${spender.alerts.join('\n')}`;
    const quoted = `'${url.replaceAll("'", '%27')}'`;
    const rest = `\`curl -s ${quoted}\` gives all of it`;
    if ('unread' in page) return served(`${url} was fetched (${cost}) and is no text but ${page.unread}; save it with \`curl -o FILE ${quoted}\`.${told}`, '', rest);
    if (status === 402) return served(`${url} asks to be paid (HTTP 402), and pag0 did not pay it. Go on without it, or ask the person.${told}`, page.text, rest);
    if (status >= 400) return served(`${url} answered ${status} (${cost}).${told}`, page.text, rest);
    return served(`this is the page itself and not an error: ${url} (${cost}).${told}`, page.text, rest);
  }

  async function after(live: Live, agent: Agent, call: ToolCall, response: unknown, price: bigint): Promise<void> {
    const policy = parts.policies.of(live.session)?.policy;
    const read = readingOf(response);
    if (policy === undefined || read === null) return;
    const url = addressOf(call, false);
    if (url === null) return;
    demands.note(url, read.status);
    if (read.status < 200 || read.status >= 300 || read.text === '') return;
    const answer = { status: 200, fields: { 'content-type': 'text/markdown; charset=utf-8' }, body: Buffer.from(read.text) };
    await cache.keep(placeOf(parts, live, policy), readingRequest(url, call), answer, { price, by: originOf(live, agent) }, parts.clock());
  }

  async function failed(live: Live, agent: Agent, call: ToolCall, error: string, approvals: readonly string[]): Promise<string | null> {
    const url = addressOf(call, false);
    if (url === null || !isDemand(error)) return null;
    demands.note(url, 402);
    if (parts.wallet() === '') return null;
    const page = { method: 'GET', url, fields: FIELDS, body: null };
    const bought = await inTime(fetched({ live, agent, tool: call.tool, toolUseId: call.id, alerts: [], approvedUpTo: 0n, approvals }, page));
    switch (bought.outcome) {
      case 'served':
        return bought.text;
      case 'refused':
        return bought.refusal.sentence;
      case 'runs':
        return null;
    }
  }

  return { before, after, failed };
}

/** The client's own words for HTTP 402, up to the version that tells it as a result. */
export function isDemand(error: string): boolean {
  return /\bstatus code 402\b/.test(error);
}

/** To the client of today a 402 is a result like any other, though nothing of the page was read: the failure that it is; null: none. */
export function demandIn(tool: string, response: unknown): string | null {
  return tool === 'WebFetch' && readingOf(response)?.status === 402 ? 'status code 402' : null;
}

/** What to ask for: the page, and what somebody's client made of it for this prompt. null: it is no address to fetch. */
function requestsOf(call: ToolCall, weighed: Weighed): { page: WebRequest; reading: WebRequest } | null {
  const local = weighed.quotes[0]?.call.endpoint?.local === true;
  const url = addressOf(call, local);
  return url === null ? null : { page: { method: 'GET', url, fields: FIELDS, body: null }, reading: readingRequest(url, call) };
}

function readingRequest(url: string, { input }: ToolCall): WebRequest {
  return { method: WEB_FETCH, url, fields: {}, body: Buffer.from(String(input['prompt'] ?? '')) };
}

/** As the client would fetch it: with TLS, except on the developer's own machine, where a rule named it. */
function addressOf({ input }: ToolCall, local: boolean): string | null {
  const text = typeof input['url'] === 'string' ? input['url'].trim() : '';
  if (text.length > MAX_URL || !URL.canParse(text)) return null;
  const url = new URL(text);
  url.hash = '';
  if (url.protocol === 'http:' && !local) url.protocol = 'https:';
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  return isWeb && url.username === '' && url.password === '' ? url.href : null;
}

function redirectOf({ status, fields }: WebAnswer, url: string): URL | null {
  const location = fieldValue(fields, 'location');
  if (![301, 302, 303, 307, 308].includes(status) || location === null || !URL.canParse(location, url)) return null;
  const next = new URL(location, url);
  next.hash = '';
  return next;
}

/** The same host, and no less secure. */
function isSamePlace(next: URL, url: URL): boolean {
  return next.host === url.host && (next.protocol === url.protocol || next.protocol === 'https:');
}

function costOf({ fields }: WebAnswer, charged: bigint): string {
  const age = Number(fieldValue(fields, 'age') ?? 0);
  if (charged > 0n) return `fetched by pag0 for ${formatDollars(charged)}`;
  return fields['x-pag0-cache'] === 'hit' ? `from the cache, fetched ${ago(age * 1_000)}; it cost nothing` : 'fetched by pag0; it cost nothing';
}

/** Money that was spent buys an answer all the same: the fetch goes on, and the next one finds it kept. */
async function inTime(fetching: Promise<Recalled>): Promise<Recalled> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Recalled>((resolve) => {
    timer = setTimeout(() => resolve({ outcome: 'refused', refusal: refusal('UPSTREAM_TIMEOUT', `the page has not come within ${WAIT_MS / 1_000} seconds; it is kept when it does, so go on and look again later`, { scope: 'request' }) }), WAIT_MS);
  });
  fetching.catch(() => {});
  try {
    return await Promise.race([fetching, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The client's own result, `{ code, result, … }`. */
function readingOf(response: unknown): { status: number; text: string } | null {
  if (typeof response !== 'object' || response === null) return null;
  const { code, result } = response as Record<string, unknown>;
  return typeof code === 'number' && typeof result === 'string' ? { status: code, text: result } : null;
}
