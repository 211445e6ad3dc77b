import { names } from '../core/admit.ts';
import { formatDollars } from '../core/amount.ts';
import { directivesOf } from '../core/cache-control.ts';
import { callLabel, type Call } from '../core/call.ts';
import { endpointOf } from '../core/endpoint.ts';
import { refusal, type Refusal } from '../core/errors.ts';
import { quote, type Quote } from '../core/price.ts';
import type { Agent } from '../core/tree.ts';
import type { AnswerCache, Found, StoredAnswer, Upstream, WebAnswer, WebRequest } from '../ports.ts';
import type { Demands } from './demands.ts';
import { depart, type Departure, type Land } from './departure.ts';
import { createFlights, type Landing } from './flights.ts';
import { discard, type PaidRequests } from './paid-request.ts';
import type { Parts } from './parts.ts';
import { createPassingOn, marked, type Asked } from './passing-on.ts';
import { placeOf } from './place.ts';
import type { Live } from './sessions.ts';
import { notePaid } from './repeats.ts';
import { noteCalls, reserve, upheld, weigh, type Weighed } from './weigh.ts';

/** Who a request is charged to. */
export interface Spender {
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
  /** In shadow: it is written down already that its call would not have run so. */
  noted?: boolean;
  /** Ids of the payments about which the client asked its person before it let this call run. Without: it cannot be made to ask. */
  approvals?: readonly string[];
}

/** `charged`: µ$ that this one paid, or that are set aside until its body tells. A refusal is written down by whoever asked, with the calls it is about: the gateway's request, or a whole tool call. */
export type Exchanged = { answer: WebAnswer; charged: bigint } | { refusal: Refusal; quotes: readonly Quote[] };

export interface Exchange {
  send(spender: Spender, request: WebRequest, signal: AbortSignal): Promise<Exchanged>;
}

export interface ExchangeParts {
  parts: Parts;
  cache: AnswerCache;
  upstream: Upstream;
  demands: Demands;
  paidRequests: PaidRequests;
  /** A key for each reservation, never the same twice. */
  nextId(): string;
  /** The book could not be written after an answer had come. */
  failed(error: unknown): void;
}

/** How long those who want the same wait for the one who asks; a model may think for minutes. */
const WAIT_MS = 5 * 60_000;

/** One request through the gateway: weigh → cache → single flight → reserve → send → pay what is demanded → post or void → keep → answer. */
export function createExchange({ parts, cache, upstream, demands, paidRequests, nextId, failed: notWritten }: ExchangeParts): Exchange {
  const passedOn = createPassingOn({ parts, cache });
  const flights = createFlights<StoredAnswer>(WAIT_MS);

  async function send(spender: Spender, asks: WebRequest, signal: AbortSignal): Promise<Exchanged> {
    const request = { ...asks, session: spender.live.session.id };
    const weighing = await weighed(spender, request);
    if ('refusal' in weighing) return weighing;
    if (weighing.weighed === null) return { answer: await upstream.send(request, signal), charged: 0n };
    const asked: Asked = { spender, request, signal, weighed: weighing.weighed, place: placeOf(parts, spender.live, weighing.weighed.policy) };
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
  async function weighed(spender: Spender, request: WebRequest, before?: Weighed): Promise<{ weighed: Weighed | null } | Extract<Exchanged, { refusal: Refusal }>> {
    const { live, agent } = spender;
    const call = callOf(spender, request);
    const inForce = parts.policies.of(live.session);
    if (inForce === null) return { refusal: refusal('CONFIG_INVALID', `${callLabel(call)} was not sent because pag0 has no valid policy; ask the person to mend the configuration`, { scope: 'configuration' }), quotes: [quote(call, [])] };
    const weighing = await weigh(parts, live, agent, [call], inForce);
    if (weighing.outcome === 'refused') return weighing;
    if (weighing.outcome === 'ungoverned') return { weighed: null };
    const due = weighing.weighed;
    due.noted = before?.noted ?? spender.noted ?? false;
    upheld(parts, live, agent, due, due.would);
    return { weighed: due };
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
    if (landing === 'waited') return isFree ? askAgain({ ...asked, waited: true }, null, NOBODY) : orAskAgain(asked, 'UPSTREAM_TIMEOUT', 'another agent asked the same and has had no answer for five minutes, so it was not asked again; go on without it');
    switch (landing.landed) {
      case 'unknown':
        return orAskAgain(asked, 'UPSTREAM_FAILED', 'another agent asked the same, the connection broke and what it cost is not known, so it was not asked again; go on without it');
      case 'alone':
        return askAgain(asked, null, NOBODY);
      case 'shared': {
        // Whether it is an answer to this one as well, its Vary decides.
        const found = await lookUp(asked);
        if (found?.state === 'fresh') return hit(asked, found.answer);
        const isSame = landing.value.fields['vary'] === undefined && landing.value.price > 0n;
        return isSame ? hit(asked, landing.value) : askAgain(asked, null, NOBODY);
      }
    }
  }

  /** null in shadow: then it is only written down. */
  function unless({ spender, weighed: due }: Asked, no: Refused): Refused | null {
    return upheld(parts, spender.live, spender.agent, due, no.refusal) === null ? null : no;
  }

  async function orAskAgain(asked: Asked, code: 'UPSTREAM_FAILED' | 'UPSTREAM_TIMEOUT', text: string): Promise<Exchanged> {
    return unless(asked, failed(asked, code, text)) ?? askAgain(asked, null, NOBODY);
  }

  /** After a wait: meanwhile the kill switch may have been pulled, a loop ended, a day begun. */
  async function askAgain(asked: Asked, stale: Stale | null, land: Land): Promise<Exchanged> {
    const weighing = await weighed(asked.spender, asked.request, asked.weighed);
    if ('refusal' in weighing) {
      land({ landed: 'failed' });
      return weighing;
    }
    return ask({ ...asked, weighed: weighing.weighed ?? asked.weighed }, stale, land);
  }

  /** Asks the server itself: money is set aside before a byte leaves, and posted unless it is certain that none did. */
  async function ask(asked: Asked, stale: Stale | null, land: Land): Promise<Exchanged> {
    const { spender, signal, weighed: due } = asked;
    const no = signal.aborted ? failed(asked, 'UPSTREAM_FAILED', 'the program that asked is gone') : due.ask && due.amount > spender.approvedUpTo ? unless(asked, unapproved(due)) : null;
    if (no !== null) {
      land({ landed: 'failed' });
      return no;
    }
    const money = due.amount > 0n;
    const trip = depart(parts, notWritten, spender, due, `${spender.live.session.id}/${spender.toolUseId ?? 'environment'}#${nextId()}`, land);
    let answer: WebAnswer | null = null;
    try {
      const full = money ? await reserve(parts, spender.live, spender.agent, trip.key, due) : null;
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
      if (answer !== null) discard(answer);
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
    const { spender, request, weighed: due, place } = asked;
    demands.note(request.url, answer.status);
    if (answer.status === 402) {
      // The seller names a price and delivers nothing until it is paid.
      if (due.amount > 0n) await trip.voided('the server asked to be paid first');
      return demanded(asked, answer, trip).catch((error: unknown) => {
        // Nothing that was set aside for it is left: whoever waits may ask.
        trip.land({ landed: 'failed' });
        throw error;
      });
    }
    const byUse = due.quotes.some((quoted) => quoted.rule?.tokens != null);
    if (due.amount === 0n) noteCalls(parts, spender.live, spender.agent, due.quotes, { what: 'free' });
    else if (!byUse) await trip.posted();
    paidFor(asked, answer, due.amount);
    if (!cache.mayKeep(place, request)) await cache.written(place, request, answer);
    return passedOn(asked, answer, { price: due.amount, byUse }, trip);
  }

  async function demanded(asked: Asked, unpaid: WebAnswer, trip: Departure): Promise<Exchanged> {
    const { spender, request, weighed: due, place } = asked;
    if (asked.signal.aborted) {
      discard(unpaid);
      trip.land({ landed: 'failed' });
      trip.over();
      return failed(asked, 'UPSTREAM_FAILED', 'the program that asked is gone');
    }
    const met = await paidRequests.meet({ ...spender, noted: due.noted }, callOf(spender, request), request, unpaid, { separate: asked.waited !== true, gone: asked.signal });
    if ('passed' in met) {
      if (due.amount === 0n) noteCalls(parts, spender.live, spender.agent, due.quotes, { what: 'free' });
      return passedOn(asked, met.passed, { price: 0n, byUse: false, ...(met.unpaid === undefined ? {} : { unpaid: met.unpaid }) }, trip);
    }
    if (met.outcome === 'refused') {
      trip.land({ landed: met.doubt ? 'unknown' : 'failed' });
      trip.over();
      return { refusal: met.refusal, quotes: met.quotes };
    }
    try {
      paidFor(asked, met.value, met.amount);
      if (!cache.mayKeep(place, request)) await cache.written(place, request, met.value);
      return await passedOn(asked, met.value, { price: met.amount, byUse: false, paid: met.proven ? 'posted' : 'held', arrived: met.arrived }, trip);
    } catch (error) {
      void met.arrived(false);
      throw error;
    }
  }

  /** What a rule of the person's would have kept. */
  function paidFor({ spender, request, place }: Asked, { status }: WebAnswer, amount: bigint): void {
    const isKept = !place.rules.enabled || cache.mayKeep(place, request);
    if (!isKept && status >= 200 && status < 300) notePaid(spender.live, spender.agent.id, request, amount);
  }

  async function revalidated(asked: Asked, stale: Stale, answer: WebAnswer, trip: Departure): Promise<Exchanged> {
    const { spender, request, weighed: due, place } = asked;
    if (!Buffer.isBuffer(answer.body)) answer.body.on('error', () => {}).resume();
    if (due.amount > 0n) await trip.posted();
    else noteCalls(parts, spender.live, spender.agent, due.quotes, { what: 'free' });
    const renewed = await cache.renewed(place, request, stale.answer, answer.fields, parts.clock());
    trip.land({ landed: 'shared', value: renewed });
    trip.over();
    return marked(renewed, 'revalidated', { price: due.amount });
  }

  function hit(asked: Asked, stored: StoredAnswer): Exchanged {
    noteCalls(parts, asked.spender.live, asked.spender.agent, asked.weighed.quotes, { what: 'hit', saved: stored.price });
    return marked(stored, 'hit', { price: 0n });
  }

  return { send };
}

/** For a request that nobody waits for. */
const NOBODY: Land = () => {};

interface Stale {
  answer: StoredAnswer;
  conditions: WebRequest['fields'];
}

function callOf({ tool }: Spender, request: WebRequest): Call {
  const endpoint = endpointOf(request.url);
  // A rule that names a method means it in any letters: what passes as `post` may be served as a POST.
  return { tool, method: request.method.toUpperCase(), endpoint, known: endpoint !== null, times: 1 };
}

/** RFC 9111, section 5.2.1.7: who asks for a kept answer only is not made to wait, or to pay, for another. */
const NOT_KEPT: Exchanged = { answer: { status: 504, fields: { 'content-type': 'text/plain' }, body: Buffer.from('pag0 has no answer kept for this request.\n') }, charged: 0n };

type Refused = Extract<Exchanged, { refusal: Refusal }>;

function unapproved({ quotes, amount }: Weighed): Refused {
  const text = `${names(quotes)} costs ${formatDollars(amount)}, above what needs a person's yes, and nobody could be asked, so it was not sent; make the call with curl and its whole address in a command of its own, or go on without it`;
  return { refusal: refusal('APPROVAL_REQUIRED', text, { scope: 'request', price: amount.toString() }), quotes };
}

function failed({ weighed }: Asked, code: 'UPSTREAM_FAILED' | 'UPSTREAM_TIMEOUT', text: string): Refused {
  return { refusal: refusal(code, text, { scope: 'request' }), quotes: weighed.quotes };
}
