import type { Code } from '../core/errors.ts';
import { fieldValue } from '../core/fields.ts';
import { keepableAnswer } from '../core/keepable.ts';
import { costOf } from '../core/usage.ts';
import type { AnswerCache, CachePlace, Spelling, WebAnswer, WebRequest } from '../ports.ts';
import type { Departure } from './departure.ts';
import type { Exchanged, Spender } from './exchange.ts';
import type { Parts } from './parts.ts';
import { tee } from './tee.ts';
import { usageIn } from './usage-in.ts';
import { originOf, type Weighed } from './weigh.ts';

/** A request that is on its way through the exchange. */
export interface Asked {
  spender: Spender;
  request: WebRequest;
  signal: AbortSignal;
  weighed: Weighed;
  place: CachePlace;
  /** Another one is still on its way with the same. */
  waited?: boolean;
}

/** What its answer cost. */
export interface Cost {
  /** µ$: paid, or set aside until the body tells. */
  price: bigint;
  /** The body says what it cost. */
  byUse: boolean;
  /** A seller's demand was met, and whether there is a receipt. */
  paid?: 'posted' | 'held';
  /** A seller's demand was passed on, and who asked was told why. */
  unpaid?: Code;
  /** Of what was paid for: whether all of it is kept, or was passed on. */
  arrived?(all: boolean): Promise<void>;
}

/** An answer larger than this is passed on and not looked at. */
const MAX_LOOKED_AT = 8 * 1024 * 1024;

/** An answer goes to whoever asked for it, and is kept for those who ask next as far as it is theirs, too. */
export function createPassingOn({ parts, cache }: { parts: Parts; cache: AnswerCache }): (asked: Asked, answer: WebAnswer, cost: Cost, trip: Departure) => Promise<Exchanged> {
  async function passedOn(asked: Asked, answer: WebAnswer, cost: Cost, trip: Departure): Promise<Exchanged> {
    const { price, byUse } = cost;
    const share = sharing(asked, answer, price);
    const mark = share === 'keep' ? 'miss' : 'bypass';
    if (share === 'no') trip.land({ landed: 'alone' });
    if (Buffer.isBuffer(answer.body)) {
      await finished(asked, answer, answer.body, cost, share, trip);
      void cost.arrived?.(true);
      trip.over();
      return marked(answer, mark, cost);
    }
    if (!byUse && share === 'no') {
      const { body } = answer;
      body.once('close', () => {
        void cost.arrived?.(body.readableEnded);
        trip.over();
      });
      return marked(answer, mark, cost);
    }
    const { branch, whole } = tee(answer.body, MAX_LOOKED_AT, () => trip.land({ landed: 'alone' }));
    const read = whole
      .then((body) => finished(asked, answer, body, cost, share, trip))
      .catch(async () => {
        // Half an answer is nobody else's; what it cost was set aside, and counts.
        if (byUse) await trip.posted();
        trip.land(price === 0n ? { landed: 'failed' } : { landed: 'unknown' });
        return false;
      });
    const passed = new Promise<void>((resolve) => branch.once('close', resolve));
    void Promise.all([read, passed]).then(([isKept]) => {
      void cost.arrived?.(isKept || branch.readableEnded);
      trip.over();
    });
    return marked({ ...answer, body: branch }, mark, cost);
  }

  /**
   * `keep`: for whoever asks next. `wait`: a failure that cost money, for those who wait for it already, lest each of them pays
   * for the same. `no`: nobody else's, as its head says.
   */
  function sharing({ request, place }: Asked, answer: WebAnswer, price: bigint): 'keep' | 'wait' | 'no' {
    if (!cache.mayKeep(place, request) || Number(fieldValue(answer.fields, 'content-length') ?? 0) > MAX_LOOKED_AT) return 'no';
    // A body that is coded for this connection (RFC 9112, section 7) is no representation.
    if (answer.written !== undefined && answer.fields['transfer-encoding'] !== undefined) return 'no';
    const head = { status: answer.status, fields: withoutReceipt(answer.fields) };
    if (keepableAnswer(head)) return cache.lasts(place, request, { ...head, price }, parts.clock()) ? 'keep' : 'no';
    return price > 0n && answer.status >= 400 && answer.status !== 402 ? 'wait' : 'no';
  }

  /** The body is here: what it says it cost, and whether the next one may have it. True: it is kept. */
  async function finished(asked: Asked, answer: WebAnswer, body: Buffer | null, cost: Cost, share: 'keep' | 'wait' | 'no', trip: Departure): Promise<boolean> {
    const { spender, request, weighed: due, place } = asked;
    const price = cost.byUse && body !== null ? actualPrice(due, answer, body) : cost.price;
    if (cost.byUse) await trip.posted(price);
    if (share === 'no' || body === null) {
      trip.land({ landed: 'alone' });
      return false;
    }
    const by = originOf(spender.live, spender.agent);
    const now = parts.clock();
    const spelling = spellingOf(answer);
    const kept = { status: answer.status, fields: withoutReceipt(answer.fields), body, ...(spelling === undefined ? {} : { spelling }) };
    const isKept = share === 'keep' && (await cache.keep(place, request, kept, { price, by }, now));
    trip.land(isKept || share === 'wait' ? { landed: 'shared', value: { id: '', ...kept, price, by, storedAt: now, expiresAt: now } } : { landed: 'alone' });
    return isKept;
  }

  return passedOn;
}

function spellingOf({ written, spelling }: WebAnswer): Spelling | undefined {
  if (written === undefined) return spelling;
  const names = written.lines.map(({ text }) => text.split(':', 1)[0]!).filter((name) => name !== name.toLowerCase());
  return { reason: written.statusLine.split(' ').slice(2).join(' '), names: [...new Set(names)] };
}

function actualPrice(weighed: Weighed, answer: WebAnswer, body: Buffer): bigint {
  const usage = usageIn(answer.fields, body);
  const rule = weighed.quotes.find((quoted) => quoted.rule?.tokens != null)?.rule;
  return usage === null || rule?.tokens == null ? weighed.amount : costOf(usage, rule.tokens);
}

export type Mark = 'hit' | 'miss' | 'revalidated' | 'bypass';

/** What pag0 says of an answer where it decided something: that it came from the cache, and what it cost. What is free and was asked of the server is passed on as it came. */
export function marked({ status, fields, body, written, spelling }: WebAnswer, mark: Mark, { price, paid, unpaid }: Pick<Cost, 'price' | 'paid' | 'unpaid'>): Exchanged {
  const fromCache = mark === 'hit' || mark === 'revalidated';
  const isDecided = fromCache || (mark === 'miss' && price > 0n) || paid !== undefined || unpaid !== undefined;
  const said = {
    ...(isDecided ? { 'x-pag0-cache': mark } : {}),
    ...(paid === undefined ? {} : { 'x-pag0-paid': price.toString(), 'x-pag0-payment': paid }),
    ...(unpaid === undefined ? {} : { 'x-pag0-payment': 'unpaid', 'x-pag0-code': unpaid }),
  };
  const own = withoutOurs(fields);
  return { answer: { status, fields: isDecided ? { ...own, ...said } : own, body, ...(written === undefined ? {} : { written }), ...(spelling === undefined ? {} : { spelling }) }, charged: price };
}

/** What we say of an answer no server says in our place. */
function withoutOurs(fields: WebAnswer['fields']): WebAnswer['fields'] {
  const names = Object.keys(fields);
  return names.some(isOurs) ? Object.fromEntries(Object.entries(fields).filter(([name]) => !isOurs(name))) : fields;
}

function isOurs(name: string): boolean {
  return name.startsWith('x-pag0-');
}

/** The receipt is for the one who paid. */
function withoutReceipt(fields: WebAnswer['fields']): WebAnswer['fields'] {
  const { 'payment-response': _, 'x-payment-response': __, ...rest } = fields;
  return rest;
}
