import type { Readable } from 'node:stream';
import { names } from '../core/admit.ts';
import { formatDollars } from '../core/amount.ts';
import { directivesOf } from '../core/cache-control.ts';
import { callLabel, type Call } from '../core/call.ts';
import { endpointOf } from '../core/endpoint.ts';
import { refusal, type Refusal } from '../core/errors.ts';
import { quote, type Quote } from '../core/price.ts';
import type { Agent } from '../core/tree.ts';
import { costOf } from '../core/usage.ts';
import type { AnswerCache, CachePlace, StoredAnswer, Upstream, WebAnswer, WebRequest } from '../ports.ts';
import type { Demands } from './demands.ts';
import { createFlights, type Landing } from './flights.ts';
import type { Parts } from './parts.ts';
import { placeOf } from './place.ts';
import type { Live } from './sessions.ts';
import { alerts } from './settle.ts';
import { tee } from './tee.ts';
import { usageIn } from './usage-in.ts';
import { noteCalls, originOf, reserve, weigh, type Weighed } from './weigh.ts';

/** Who a request is charged to. */
export interface Payer {
  live: Live;
  agent: Agent;
  /** The client's tool that asks. */
  tool: string;
  /** The tool call it belongs to, where that is known. */
  toolUseId: string | null;
  /** Where alerts go that the agent is to read with the end of its call. */
  alerts: string[] | null;
  /** A person was asked, or need not be: the command went past the hook with its price. */
  approved: boolean;
}

/** A refusal is written down by whoever asked, with the calls it is about: the gateway's request, or a whole tool call. */
export type Exchanged = { answer: WebAnswer } | { refusal: Refusal; quotes: readonly Quote[] };

export interface Exchange {
  send(payer: Payer, request: WebRequest, signal: AbortSignal): Promise<Exchanged>;
}

export interface ExchangeParts {
  parts: Parts;
  cache: AnswerCache;
  upstream: Upstream;
  demands: Demands;
  /** A key for each reservation, never the same twice. */
  nextId(): string;
}

/** An answer larger than this is passed on and not looked at. */
const MAX_LOOKED_AT = 8 * 1024 * 1024;
/** How long those who want the same wait for the one who asks; a model may think for minutes. */
const WAIT_MS = 5 * 60_000;

/** One request through the gateway: weigh → cache → single flight → reserve → send → post or void → keep → answer. */
export function createExchange({ parts, cache, upstream, demands, nextId }: ExchangeParts): Exchange {
  const flights = createFlights<StoredAnswer>(WAIT_MS);

  async function send(payer: Payer, request: WebRequest, signal: AbortSignal): Promise<Exchanged> {
    const { live, agent } = payer;
    const inForce = parts.policies.of(live.session);
    const call = callOf(payer, request);
    if (inForce === null) return { refusal: refusal('CONFIG_INVALID', `${callLabel(call)} was not sent because pag0 has no valid policy; ask the person to mend the configuration`, { scope: 'configuration' }), quotes: [quote(call, [])] };
    const weighing = await weigh(parts, live, agent, [call], inForce);
    if (weighing.outcome === 'ungoverned') return { answer: await upstream.send(request, signal) };
    if (weighing.outcome === 'refused') return weighing;
    const { weighed } = weighing;
    if (weighed.ask && !payer.approved) {
      const text = `${names(weighed.quotes)} costs ${formatDollars(weighed.amount)}, above what needs a person's yes, and nobody could be asked, so it was not sent; make the call with curl in a command of its own, or go on without it`;
      return { refusal: refusal('APPROVAL_REQUIRED', text, { scope: 'request', price: weighed.amount.toString() }), quotes: weighed.quotes };
    }
    const asked: Asked = { payer, request, signal, weighed, place: placeOf(parts, live, weighed.policy) };
    const mayKeep = cache.mayKeep(asked.place, request);
    const found = mayKeep ? await cache.find(asked.place, request, parts.clock()) : null;
    if (found?.state === 'fresh') return hit(asked, found.answer);
    if (directivesOf(request.fields).has('only-if-cached')) return NOT_KEPT;
    if (!mayKeep) return ask(asked, null, () => {});
    return flights.join<Exchanged>(cache.keyOf(asked.place, request), {
      lead: (land) => lead(asked, land),
      follow: (landing) => follow(asked, landing),
    });
  }

  async function lead(asked: Asked, land: Land): Promise<Exchanged> {
    // Between the look-up and the departure another flight may have landed.
    const found = await cache.find(asked.place, asked.request, parts.clock());
    if (found.state === 'fresh') {
      land({ landed: 'shared', value: found.answer });
      return hit(asked, found.answer);
    }
    return ask(asked, found.state === 'stale' ? found : null, land);
  }

  async function follow(asked: Asked, landing: Exclude<Landing<StoredAnswer>, { landed: 'failed' }> | 'waited'): Promise<Exchanged> {
    if (landing === 'waited') return failed(asked, 'UPSTREAM_TIMEOUT', 'another agent asked the same and has had no answer for five minutes, so it was not asked again; go on without it');
    switch (landing.landed) {
      case 'unknown':
        return failed(asked, 'UPSTREAM_FAILED', 'another agent asked the same, the connection broke and what it cost is not known, so it was not asked again; go on without it');
      case 'alone':
        return ask(asked, null, () => {});
      case 'shared': {
        // Whether it is an answer to this one as well, its Vary decides.
        const found = await cache.find(asked.place, asked.request, parts.clock());
        if (found.state === 'fresh') return hit(asked, found.answer);
        return landing.value.fields['vary'] === undefined ? hit(asked, landing.value) : ask(asked, null, () => {});
      }
    }
  }

  /** Asks the server itself: money is set aside before a byte leaves, and posted unless it is certain that none did. */
  async function ask(asked: Asked, stale: Stale | null, land: Land): Promise<Exchanged> {
    const { payer, request, signal, weighed } = asked;
    if (signal.aborted) {
      land({ landed: 'failed' });
      return failed(asked, 'UPSTREAM_FAILED', 'the program that asked is gone');
    }
    const key = `${payer.live.session.id}/${payer.toolUseId ?? 'environment'}#${nextId()}`;
    const money = weighed.amount > 0n;
    if (money) {
      const full = await reserve(parts, payer.live, payer.agent, key, weighed);
      if (full !== null) {
        land({ landed: 'failed' });
        return { refusal: full, quotes: weighed.quotes };
      }
    }
    parts.underway.add(key);
    const cut = new AbortController();
    // What was paid for is fetched to its end, for whoever asks next.
    const onGone = (): void => (money ? undefined : cut.abort());
    signal.addEventListener('abort', onGone, { once: true });
    const done = (): void => {
      parts.underway.delete(key);
      signal.removeEventListener('abort', onGone);
    };
    let answer: WebAnswer;
    try {
      answer = await upstream.send(stale === null ? request : { ...request, fields: { ...request.fields, ...stale.conditions } }, cut.signal);
    } catch (error) {
      done();
      return broken(asked, key, error, land);
    }
    if (stale !== null && answer.status === 304) return revalidated(asked, key, stale, answer, land, done);
    return answered(asked, key, answer, land, done);
  }

  async function answered(asked: Asked, key: string, answer: WebAnswer, land: Land, done: () => void): Promise<Exchanged> {
    const { payer, request, weighed, place } = asked;
    demands.note(request.url, answer.status);
    const byUse = weighed.quotes.some((quoted) => quoted.rule?.tokens != null);
    if (weighed.amount === 0n) noteCalls(parts, payer.live, payer.agent, weighed.quotes, { what: 'free' });
    // The seller names a price and delivers nothing until it is paid.
    else if (answer.status === 402) await parts.ledger.void(key, parts.clock(), 'the server asked to be paid first');
    else if (!byUse) await posted(asked, key);
    const mayKeep = cache.mayKeep(place, request);
    if (!mayKeep) await cache.written(place, request, answer);
    if (Buffer.isBuffer(answer.body)) {
      await finished(asked, key, answer, answer.body, byUse, mayKeep, land);
      done();
      return marked(answer, mayKeep ? 'miss' : 'bypass');
    }
    if (!byUse && !mayKeep) {
      done();
      land({ landed: 'alone' });
      return marked(answer, 'bypass');
    }
    const { branch, whole } = tee(answer.body, MAX_LOOKED_AT);
    whole
      .then((body) => finished(asked, key, answer, body, byUse, mayKeep, land))
      .catch(async () => {
        // Half an answer is nobody else's; what it cost was set aside, and counts.
        if (byUse) await posted(asked, key);
        land(weighed.amount === 0n ? { landed: 'failed' } : { landed: 'unknown' });
      })
      .catch(() => {})
      .finally(done);
    return marked({ ...answer, body: branch }, mayKeep ? 'miss' : 'bypass');
  }

  /** The body is here: what it says it cost, and whether the next one may have it. */
  async function finished(asked: Asked, key: string, answer: WebAnswer, body: Buffer | null, byUse: boolean, mayKeep: boolean, land: Land): Promise<void> {
    const { payer, request, weighed, place } = asked;
    let price = weighed.amount;
    if (byUse && answer.status !== 402) {
      price = body === null ? price : actualPrice(weighed, answer, body);
      await posted(asked, key, price);
    }
    if (!mayKeep || body === null) return land({ landed: 'alone' });
    const by = originOf(payer.live, payer.agent);
    const now = parts.clock();
    const kept = await cache.keep(place, request, { status: answer.status, fields: answer.fields, body }, { price, by }, now);
    if (!kept) return land({ landed: 'alone' });
    land({ landed: 'shared', value: { id: '', status: answer.status, fields: answer.fields, body, price, by, storedAt: now, expiresAt: now } });
  }

  async function revalidated(asked: Asked, key: string, stale: Stale, answer: WebAnswer, land: Land, done: () => void): Promise<Exchanged> {
    const { payer, request, weighed, place } = asked;
    if (!Buffer.isBuffer(answer.body)) answer.body.resume();
    if (weighed.amount > 0n) await posted(asked, key);
    else noteCalls(parts, payer.live, payer.agent, weighed.quotes, { what: 'free' });
    done();
    const renewed = await cache.renewed(place, request, stale.answer, answer.fields, parts.clock());
    land({ landed: 'shared', value: renewed });
    return marked(renewed, 'revalidated');
  }

  async function broken(asked: Asked, key: string, error: unknown, land: Land): Promise<never> {
    const money = asked.weighed.amount > 0n;
    const sent = (error as { sent?: boolean }).sent !== false;
    if (money && !sent) await parts.ledger.void(key, parts.clock(), 'no connection was made');
    // What may have been spent counts.
    else if (money) await posted(asked, key);
    land(money && sent ? { landed: 'unknown' } : { landed: 'failed' });
    throw error;
  }

  function hit(asked: Asked, stored: StoredAnswer): Exchanged {
    noteCalls(parts, asked.payer.live, asked.payer.agent, asked.weighed.quotes, { what: 'hit', saved: stored.price });
    return marked(stored, 'hit');
  }

  async function posted({ payer, weighed }: Asked, key: string, actual?: bigint): Promise<void> {
    await parts.ledger.post(key, parts.clock(), actual);
    const sentences = await alerts(parts, payer.live, weighed.standing.scopes);
    payer.live.notices.push(...sentences);
    payer.alerts?.push(...sentences);
  }

  return { send };
}

interface Asked {
  payer: Payer;
  request: WebRequest;
  signal: AbortSignal;
  weighed: Weighed;
  place: CachePlace;
}

interface Stale {
  answer: StoredAnswer;
  conditions: WebRequest['fields'];
}

type Land = (landing: Landing<StoredAnswer>) => void;

function callOf({ tool }: Payer, request: WebRequest): Call {
  const endpoint = endpointOf(request.url);
  return { tool, method: request.method, endpoint, known: endpoint !== null, times: 1 };
}

function actualPrice(weighed: Weighed, answer: WebAnswer, body: Buffer): bigint {
  const usage = usageIn(answer.fields, body);
  const rule = weighed.quotes.find((quoted) => quoted.rule?.tokens != null)?.rule;
  return usage === null || rule?.tokens == null ? weighed.amount : costOf(usage, rule.tokens);
}

type Mark = 'hit' | 'miss' | 'revalidated' | 'bypass';

function marked({ status, fields, body }: { status: number; fields: WebAnswer['fields']; body: Buffer | Readable }, mark: Mark): Exchanged {
  return { answer: { status, fields: { ...fields, 'x-pag0-cache': mark }, body } };
}

/** RFC 9111, section 5.2.1.7: who asks for a kept answer only is not made to wait, or to pay, for another. */
const NOT_KEPT: Exchanged = { answer: { status: 504, fields: { 'content-type': 'text/plain' }, body: Buffer.from('pag0 has no answer kept for this request.\n') } };

function failed({ weighed }: Asked, code: 'UPSTREAM_FAILED' | 'UPSTREAM_TIMEOUT', text: string): Exchanged {
  return { refusal: refusal(code, text, { scope: 'request' }), quotes: weighed.quotes };
}
