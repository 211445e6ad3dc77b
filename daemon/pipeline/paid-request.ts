import type { Readable } from 'node:stream';
import type { Call } from '../core/call.ts';
import { fieldValue } from '../core/fields.ts';
import { quote } from '../core/price.ts';
import type { Code } from '../core/errors.ts';
import type { Payer, PaymentDemand, UnpayableDemand, Upstream, WebAnswer, WebRequest } from '../ports.ts';
import type { Offer } from './appraisal.ts';
import { decoded } from './decoded.ts';
import type { Spender } from './exchange.ts';
import { requestDigest, type Bought, type Delivery, type Purchases } from './purchase.ts';

/** HTTP as a buyer speaks it: what a 402 demands, and the same request once more with the payment. */
export interface PaidRequests {
  /** `passed`: nothing in it is ours to pay; the answer with all of its body still to be read. `unpaid`: why, where that was told. */
  meet(spender: Spender, call: Call, request: WebRequest, unpaid: WebAnswer, terms: RequestTerms): Promise<{ passed: WebAnswer; unpaid?: Code } | Exclude<Bought<WebAnswer>, { outcome: 'unpaid' }>>;
}

/** See `Offer`. `request`: where method, address and body are not what tells one request from another. */
export type RequestTerms = Pick<Offer, 'separate' | 'gone'> & { request?: string };

export interface PaidRequestParts {
  payer: Pick<Payer, 'demandOf' | 'settlementOf'>;
  purchases: Purchases;
  upstream: Pick<Upstream, 'send'>;
}

/** Bytes of a 402's body that are looked at, as sent and unpacked: a demand has some hundreds. */
const MAX_DEMAND = 64 * 1024;

/** How long a 402's body is waited for, in ms: a seller that never ends it keeps nobody. */
const MAX_DEMAND_MS = 10_000;
/** The same where a field demands already. */
const BESIDE_MS = 1_000;

/** Fields by which a program with a wallet of its own pays for itself (x402, versions 2 and 1). */
export const PAYMENT_FIELDS = ['payment-signature', 'x-payment'];

/** Nothing is delivered to these: who asks so wants to hear of the price, not to pay it. */
const DELIVER_NOTHING = ['HEAD', 'OPTIONS'];

export function createPaidRequests({ payer, purchases, upstream }: PaidRequestParts): PaidRequests {
  async function meet(spender: Spender, call: Call, request: WebRequest, unpaid: WebAnswer, terms: RequestTerms): ReturnType<PaidRequests['meet']> {
    const { method, url, body } = request;
    const isOurs = !DELIVER_NOTHING.includes(method) && !PAYMENT_FIELDS.some((name) => request.fields[name] !== undefined) && (body === null || Buffer.isBuffer(body));
    if (!isOurs) return { passed: unpaid };
    const hasWallet = await purchases.hasWallet();
    const { demand, answer } = await demandOf(hasWallet ? payer : anyway(payer), unpaid);
    if (demand === null) return { passed: answer };
    if (!hasWallet || !isPayable(demand)) {
      const { refusal, stands } = purchases.decline(spender, call, demand);
      if (!stands) return { passed: answer, unpaid: refusal.code };
      discard(answer);
      return { outcome: 'refused', refusal, quotes: [quote(call, [])], doubt: false };
    }
    const offer = { spender, call, demand, request: requestDigest([method, url, body as Buffer | null]), ...terms };
    // Not cut off when the client goes away: what was paid for is wanted.
    const pay = async (fields: WebRequest['fields']): Promise<Delivery<WebAnswer>> => {
      discard(answer);
      return delivered(await upstream.send({ ...request, fields: { ...request.fields, ...fields } }, new AbortController().signal));
    };
    const bought = await purchases.buy(offer, ({ fields }) => pay(fields)).catch((error: unknown) => {
      discard(answer);
      throw error;
    });
    if (bought.outcome === 'unpaid') return { passed: answer };
    discard(answer);
    return bought;
  }

  async function delivered(value: WebAnswer): Promise<Delivery<WebAnswer>> {
    const settlement = await payer.settlementOf(value.fields).catch(() => null);
    const { status } = value;
    const of = (came: Delivery<WebAnswer>['came'], how: string, demand: PaymentDemand | null = null): Delivery<WebAnswer> => ({ came, settlement, demand, how, value, later: true, discard: () => discard(value) });
    if (status === 402) {
      const demand = (await demandOf(payer, value).catch(() => null))?.demand ?? null;
      return of('demanded', 'answered 402 again', demand !== null && isPayable(demand) ? demand : null);
    }
    if (status >= 300 && status < 400) return of('elsewhere', `sent us elsewhere (${status})`);
    return of(status < 300 ? 'answered' : 'failed', `answered ${status}`);
  }

  return { meet };
}

/** What a 402 demands; null: it is not x402. The answer comes back with all of its body still to be read. */
export async function demandOf(payer: Pick<Payer, 'demandOf'>, answer: WebAnswer): Promise<{ demand: PaymentDemand | UnpayableDemand | null; answer: WebAnswer }> {
  const inField = await payer.demandOf({ fields: answer.fields, body: Buffer.alloc(0) });
  // Version 2 demands in a field; of its body no more is wanted than that it demands nothing else.
  const ms = inField === null || !isPayable(inField) ? MAX_DEMAND_MS : BESIDE_MS;
  const { whole, body } = Buffer.isBuffer(answer.body) ? { whole: answer.body, body: answer.body } : await beginning(answer.body, ms);
  const read = whole === null ? null : decoded(whole, fieldValue(answer.fields, 'content-encoding') ?? '', MAX_DEMAND);
  const says = read !== null && 'bytes' in read && read.bytes.length > 0;
  const demand = says ? await payer.demandOf({ fields: answer.fields, body: Buffer.from(read.bytes) }) : inField;
  return { demand, answer: { ...answer, body } };
}

/** Where nothing can be paid a thread that cannot read is nobody's failure. */
export function anyway(payer: Pick<Payer, 'demandOf'>): Pick<Payer, 'demandOf'> {
  return { demandOf: (answer) => payer.demandOf(answer).catch(() => null) };
}

export function isPayable(demand: PaymentDemand | UnpayableDemand): demand is PaymentDemand {
  return 'options' in demand;
}

/** A body that ends in time and is no longer than a demand, else null and the stream as if nobody had looked at it. */
function beginning(stream: Readable, ms: number): Promise<{ whole: Buffer | null; body: Buffer | Readable }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const late = setTimeout(() => stop(), ms);
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_DEMAND) stop();
    };
    const onEnd = (): void => {
      left();
      const whole = Buffer.concat(chunks);
      resolve({ whole, body: whole });
    };
    const onError = (error: Error): void => {
      left();
      reject(error);
    };
    function left(): void {
      clearTimeout(late);
      stream.off('data', onData).off('end', onEnd).off('error', onError);
    }
    function stop(): void {
      left();
      stream.pause();
      if (size > 0) stream.unshift(Buffer.concat(chunks));
      resolve({ whole: null, body: stream });
    }
    stream.on('data', onData).on('end', onEnd).on('error', onError);
  });
}

export function discard({ body }: WebAnswer): void {
  if (!Buffer.isBuffer(body)) body.on('error', () => {}).destroy();
}
