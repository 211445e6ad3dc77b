import type { Readable } from 'node:stream';
import type { Call } from '../core/call.ts';
import { fieldValue } from '../core/fields.ts';
import type { Payer, PaymentDemand, Upstream, WebAnswer, WebRequest } from '../ports.ts';
import type { Offer } from './appraisal.ts';
import { decoded } from './decoded.ts';
import type { Spender } from './exchange.ts';
import { requestDigest, type Bought, type Delivery, type Purchases } from './purchase.ts';

/** HTTP as a buyer speaks it: what a 402 demands, and the same request once more with the payment. */
export interface PaidRequests {
  /** `passed`: nothing in it is ours to pay; the answer with all of its body still to be read. */
  meet(spender: Spender, call: Call, request: WebRequest, unpaid: WebAnswer, terms: RequestTerms): Promise<{ passed: WebAnswer } | Exclude<Bought<WebAnswer>, { outcome: 'unpaid' }>>;
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

/** Fields by which a program with a wallet of its own pays for itself (x402, versions 2 and 1). */
export const PAYMENT_FIELDS = ['payment-signature', 'x-payment'];

/** Nothing is delivered to these: who asks so wants to hear of the price, not to pay it. */
const DELIVER_NOTHING = ['HEAD', 'OPTIONS'];

export function createPaidRequests({ payer, purchases, upstream }: PaidRequestParts): PaidRequests {
  async function meet(spender: Spender, call: Call, request: WebRequest, unpaid: WebAnswer, terms: RequestTerms): ReturnType<PaidRequests['meet']> {
    const { method, url, body } = request;
    const isOurs = !DELIVER_NOTHING.includes(method) && !PAYMENT_FIELDS.some((name) => request.fields[name] !== undefined) && (body === null || Buffer.isBuffer(body)) && (await purchases.hasWallet());
    if (!isOurs) return { passed: unpaid };
    const { demand, answer } = await demandOf(payer, unpaid);
    if (demand === null) return { passed: answer };
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
    if (status === 402) return of('demanded', 'answered 402 again', (await demandOf(payer, value).catch(() => null))?.demand);
    if (status >= 300 && status < 400) return of('elsewhere', `sent us elsewhere (${status})`);
    return of(status < 300 ? 'answered' : 'failed', `answered ${status}`);
  }

  return { meet };
}

/** What a 402 demands; null: nothing that could be paid. The answer comes back with all of its body still to be read. */
export async function demandOf(payer: Pick<Payer, 'demandOf'>, answer: WebAnswer): Promise<{ demand: PaymentDemand | null; answer: WebAnswer }> {
  // Version 2 demands in a field, and then nobody waits for a body.
  const inField = await payer.demandOf({ fields: answer.fields, body: Buffer.alloc(0) });
  if (inField !== null) return { demand: inField, answer };
  const { whole, body } = Buffer.isBuffer(answer.body) ? { whole: answer.body, body: answer.body } : await beginning(answer.body);
  const read = whole === null ? null : decoded(whole, fieldValue(answer.fields, 'content-encoding') ?? '', MAX_DEMAND);
  const demand = read !== null && 'bytes' in read ? await payer.demandOf({ fields: {}, body: Buffer.from(read.bytes) }) : null;
  return { demand, answer: { ...answer, body } };
}

/** A body that ends in time and is no longer than a demand, else null and the stream as if nobody had looked at it. */
function beginning(stream: Readable): Promise<{ whole: Buffer | null; body: Buffer | Readable }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const late = setTimeout(() => stop(), MAX_DEMAND_MS);
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
