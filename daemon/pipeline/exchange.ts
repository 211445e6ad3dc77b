import type { Readable } from 'node:stream';
import { names } from '../core/admit.ts';
import { formatDollars } from '../core/amount.ts';
import { directivesOf } from '../core/cache-control.ts';
import { callLabel, type Call } from '../core/call.ts';
import { endpointOf } from '../core/endpoint.ts';
import { fieldValue } from '../core/fields.ts';
import { keepableAnswer } from '../core/keepable.ts';
import { refusal, type Refusal } from '../core/errors.ts';
import { quote, type Quote } from '../core/price.ts';
import type { Agent } from '../core/tree.ts';
import { costOf } from '../core/usage.ts';
import type { AnswerCache, CachePlace, Found, StoredAnswer, Upstream, WebAnswer, WebRequest } from '../ports.ts';
import type { Demands } from './demands.ts';
import { depart, type Departure, type Land } from './departure.ts';
import { createFlights, type Landing } from './flights.ts';
import type { Parts } from './parts.ts';
import { placeOf } from './place.ts';
import type { Live } from './sessions.ts';
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
  /** µ$: a request that costs no more than this needs nobody's yes, because a person gave it, or was shown the price. */
  approvedUpTo: bigint;
}

/** `charged`: µ$ that this one paid, or that are set aside until its body tells. A refusal is written down by whoever asked, with the calls it is about: the gateway's request, or a whole tool call. */
export type Exchanged = { answer: WebAnswer; charged: bigint } | { refusal: Refusal; quotes: readonly Quote[] };

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
  /** The book could not be written after an answer had come. */
  failed(error: unknown): void;
}

/** An answer larger than this is passed on and not looked at. */
const MAX_LOOKED_AT = 8 * 1024 * 1024;
/** How long those who want the same wait for the one who asks; a model may think for minutes. */
const WAIT_MS = 5 * 60_000;

/** One request through the gateway: weigh → cache → single flight → reserve → send → post or void → keep → answer. */
export function createExchange({ parts, cache, upstream, demands, nextId, failed: notWritten }: ExchangeParts): Exchange {
  const flights = createFlights<StoredAnswer>(WAIT_MS);

  async function send(payer: Payer, request: WebRequest, signal: AbortSignal): Promise<Exchanged> {
    const weighing = await weighed(payer, request);
    if ('refusal' in weighing) return weighing;
    if (weighing.weighed === null) return { answer: await upstream.send(request, signal), charged: 0n };
    const asked: Asked = { payer, request, signal, weighed: weighing.weighed, place: placeOf(parts, payer.live, weighing.weighed.policy) };
    const found = await lookUp(asked);
    if (found?.state === 'fresh') return hit(asked, found.answer);
    if (directivesOf(request.fields).has('only-if-cached')) return NOT_KEPT;
    if (found === null) return ask(asked, null, NOBODY);
    return flights.join<Exchanged>(cache.keyOf(asked.place, request), {
      lead: (land, waited) => lead(asked, land, waited),
      follow: (landing) => follow(asked, landing),
    });
  }

  /** `weighed` null: the developer's own machine, which nobody governs. */
  async function weighed(payer: Payer, request: WebRequest): Promise<{ weighed: Weighed | null } | Extract<Exchanged, { refusal: Refusal }>> {
    const { live, agent } = payer;
    const call = callOf(payer, request);
    const inForce = parts.policies.of(live.session);
    if (inForce === null) return { refusal: refusal('CONFIG_INVALID', `${callLabel(call)} was not sent because pag0 has no valid policy; ask the person to mend the configuration`, { scope: 'configuration' }), quotes: [quote(call, [])] };
    const weighing = await weigh(parts, live, agent, [call], inForce);
    if (weighing.outcome === 'refused') return weighing;
    return { weighed: weighing.outcome === 'ungoverned' ? null : weighing.weighed };
  }

  /** null: it has no answer that is kept. A broken cache is not a miss, but what is free goes its way without one. */
  async function lookUp({ place, request, weighed: { amount } }: Asked): Promise<Found | null> {
    if (!cache.mayKeep(place, request)) return null;
    try {
      return await cache.find(place, request, parts.clock());
    } catch (error) {
      if (amount > 0n) throw error;
      return null;
    }
  }

  async function lead(asked: Asked, land: Land, waited: boolean): Promise<Exchanged> {
    // Between the look-up and the departure another flight may have landed.
    const found = await lookUp(asked);
    if (found?.state === 'fresh') {
      land({ landed: 'shared', value: found.answer });
      return hit(asked, found.answer);
    }
    const stale = found?.state === 'stale' ? found : null;
    return waited ? askAgain(asked, stale, land) : ask(asked, stale, land);
  }

  async function follow(asked: Asked, landing: Exclude<Landing<StoredAnswer>, { landed: 'failed' }> | 'waited'): Promise<Exchanged> {
    const isFree = asked.weighed.amount === 0n;
    if (landing === 'waited') return isFree ? askAgain(asked, null, NOBODY) : failed(asked, 'UPSTREAM_TIMEOUT', 'another agent asked the same and has had no answer for five minutes, so it was not asked again; go on without it');
    switch (landing.landed) {
      case 'unknown':
        return isFree ? askAgain(asked, null, NOBODY) : failed(asked, 'UPSTREAM_FAILED', 'another agent asked the same, the connection broke and what it cost is not known, so it was not asked again; go on without it');
      case 'alone':
        return askAgain(asked, null, NOBODY);
      case 'shared': {
        // Whether it is an answer to this one as well, its Vary decides.
        const found = await lookUp(asked);
        if (found?.state === 'fresh') return hit(asked, found.answer);
        return landing.value.fields['vary'] === undefined ? hit(asked, landing.value) : askAgain(asked, null, NOBODY);
      }
    }
  }

  /** After a wait: meanwhile the kill switch may have been pulled, a loop ended, a day begun. */
  async function askAgain(asked: Asked, stale: Stale | null, land: Land): Promise<Exchanged> {
    const weighing = await weighed(asked.payer, asked.request);
    if ('refusal' in weighing) {
      land({ landed: 'failed' });
      return weighing;
    }
    return ask({ ...asked, weighed: weighing.weighed ?? asked.weighed }, stale, land);
  }

  /** Asks the server itself: money is set aside before a byte leaves, and posted unless it is certain that none did. */
  async function ask(asked: Asked, stale: Stale | null, land: Land): Promise<Exchanged> {
    const { payer, signal, weighed: due } = asked;
    if (signal.aborted || (due.ask && due.amount > payer.approvedUpTo)) {
      land({ landed: 'failed' });
      return signal.aborted ? failed(asked, 'UPSTREAM_FAILED', 'the program that asked is gone') : unapproved(due);
    }
    const money = due.amount > 0n;
    const trip = depart(parts, notWritten, payer, due, `${payer.live.session.id}/${payer.toolUseId ?? 'environment'}#${nextId()}`, land);
    let answer: WebAnswer | null = null;
    try {
      const full = money ? await reserve(parts, payer.live, payer.agent, trip.key, due) : null;
      if (full !== null) {
        trip.land({ landed: 'failed' });
        trip.over();
        return { refusal: full, quotes: due.quotes };
      }
      answer = await sent(asked, stale, trip);
      return await (stale !== null && answer.status === 304 ? revalidated(asked, stale, answer, trip) : answered(asked, answer, trip));
    } catch (error) {
      // Of those who broke on the way `sent` has landed already, with what it knows of the money.
      trip.land(money && answer !== null ? { landed: 'unknown' } : { landed: 'failed' });
      trip.over();
      if (answer !== null && !Buffer.isBuffer(answer.body)) answer.body.on('error', () => {}).destroy();
      throw error;
    }
  }

  async function sent({ request, signal, weighed: { amount } }: Asked, stale: Stale | null, trip: Departure): Promise<WebAnswer> {
    const cut = new AbortController();
    // What was paid for is fetched to its end, for whoever asks next.
    const onGone = (): void => (amount > 0n ? undefined : cut.abort());
    signal.addEventListener('abort', onGone, { once: true });
    try {
      return await upstream.send(stale === null ? request : { ...request, fields: { ...request.fields, ...stale.conditions } }, cut.signal);
    } catch (error) {
      const left = (error as { sent?: boolean }).sent !== false;
      // What may have been spent counts.
      if (amount > 0n) await (left ? trip.posted() : trip.voided('no connection was made'));
      trip.land(amount > 0n && left ? { landed: 'unknown' } : { landed: 'failed' });
      throw error;
    }
  }

  async function answered(asked: Asked, answer: WebAnswer, trip: Departure): Promise<Exchanged> {
    const { payer, request, weighed: due, place } = asked;
    demands.note(request.url, answer.status);
    const unpaid = answer.status === 402;
    const byUse = !unpaid && due.quotes.some((quoted) => quoted.rule?.tokens != null);
    const charged = unpaid ? 0n : due.amount;
    if (due.amount === 0n) noteCalls(parts, payer.live, payer.agent, due.quotes, { what: 'free' });
    // The seller names a price and delivers nothing until it is paid.
    else if (unpaid) await trip.voided('the server asked to be paid first');
    else if (!byUse) await trip.posted();
    if (!cache.mayKeep(place, request)) await cache.written(place, request, answer);
    const share = sharing(asked, answer);
    const mark = share === 'keep' ? 'miss' : 'bypass';
    if (share === 'no') trip.land({ landed: 'alone' });
    if (Buffer.isBuffer(answer.body)) {
      await finished(asked, answer, answer.body, byUse, share, trip);
      trip.over();
      return marked(answer, mark, charged);
    }
    if (!byUse && share === 'no') {
      answer.body.once('close', trip.over);
      return marked(answer, mark, charged);
    }
    const { branch, whole } = tee(answer.body, MAX_LOOKED_AT, () => trip.land({ landed: 'alone' }));
    const read = whole
      .then((body) => finished(asked, answer, body, byUse, share, trip))
      .catch(async () => {
        // Half an answer is nobody else's; what it cost was set aside, and counts.
        if (byUse) await trip.posted();
        trip.land(due.amount === 0n ? { landed: 'failed' } : { landed: 'unknown' });
      });
    const passed = new Promise<void>((resolve) => branch.once('close', resolve));
    void Promise.all([read, passed]).then(trip.over);
    return marked({ ...answer, body: branch }, mark, charged);
  }

  /**
   * `keep`: for whoever asks next. `wait`: a failure that cost money, for those who wait for it already, lest each of them pays
   * for the same. `no`: nobody else's, as its head says.
   */
  function sharing({ request, place, weighed: { amount } }: Asked, answer: WebAnswer): 'keep' | 'wait' | 'no' {
    if (!cache.mayKeep(place, request) || Number(fieldValue(answer.fields, 'content-length') ?? 0) > MAX_LOOKED_AT) return 'no';
    if (keepableAnswer(answer)) return 'keep';
    return amount > 0n && answer.status >= 400 && answer.status !== 402 ? 'wait' : 'no';
  }

  /** The body is here: what it says it cost, and whether the next one may have it. */
  async function finished(asked: Asked, answer: WebAnswer, body: Buffer | null, byUse: boolean, share: 'keep' | 'wait' | 'no', trip: Departure): Promise<void> {
    const { payer, request, weighed: due, place } = asked;
    const price = byUse && body !== null ? actualPrice(due, answer, body) : due.amount;
    if (byUse) await trip.posted(price);
    if (share === 'no' || body === null) return trip.land({ landed: 'alone' });
    const by = originOf(payer.live, payer.agent);
    const now = parts.clock();
    const kept = share === 'wait' || (await cache.keep(place, request, { status: answer.status, fields: answer.fields, body }, { price, by }, now));
    trip.land(kept ? { landed: 'shared', value: { id: '', status: answer.status, fields: answer.fields, body, price, by, storedAt: now, expiresAt: now } } : { landed: 'alone' });
  }

  async function revalidated(asked: Asked, stale: Stale, answer: WebAnswer, trip: Departure): Promise<Exchanged> {
    const { payer, request, weighed: due, place } = asked;
    if (!Buffer.isBuffer(answer.body)) answer.body.on('error', () => {}).resume();
    if (due.amount > 0n) await trip.posted();
    else noteCalls(parts, payer.live, payer.agent, due.quotes, { what: 'free' });
    const renewed = await cache.renewed(place, request, stale.answer, answer.fields, parts.clock());
    trip.land({ landed: 'shared', value: renewed });
    trip.over();
    return marked(renewed, 'revalidated', due.amount);
  }

  function hit(asked: Asked, stored: StoredAnswer): Exchanged {
    noteCalls(parts, asked.payer.live, asked.payer.agent, asked.weighed.quotes, { what: 'hit', saved: stored.price });
    return marked(stored, 'hit', 0n);
  }

  return { send };
}

/** For a request that nobody waits for. */
const NOBODY: Land = () => {};

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

function marked({ status, fields, body }: { status: number; fields: WebAnswer['fields']; body: Buffer | Readable }, mark: Mark, charged: bigint): Exchanged {
  return { answer: { status, fields: { ...fields, 'x-pag0-cache': mark }, body }, charged };
}

/** RFC 9111, section 5.2.1.7: who asks for a kept answer only is not made to wait, or to pay, for another. */
const NOT_KEPT: Exchanged = { answer: { status: 504, fields: { 'content-type': 'text/plain' }, body: Buffer.from('pag0 has no answer kept for this request.\n') }, charged: 0n };

function unapproved({ quotes, amount }: Weighed): Exchanged {
  const text = `${names(quotes)} costs ${formatDollars(amount)}, above what needs a person's yes, and nobody could be asked, so it was not sent; make the call with curl and its whole address in a command of its own, or go on without it`;
  return { refusal: refusal('APPROVAL_REQUIRED', text, { scope: 'request', price: amount.toString() }), quotes };
}

function failed({ weighed }: Asked, code: 'UPSTREAM_FAILED' | 'UPSTREAM_TIMEOUT', text: string): Exchanged {
  return { refusal: refusal(code, text, { scope: 'request' }), quotes: weighed.quotes };
}
