import { x402Client, x402HTTPClient } from '@x402/core/client';
import type { PaymentPayload, PaymentRequired, SettleResponse } from '@x402/core/types';
import { registerExactEvmScheme } from '@x402/evm/exact/client';
import { BUYER } from './accounts.ts';

export interface Bought {
  readonly status: number;
  /** JSON, or the text where it is none. */
  readonly body: unknown;
  /** What the seller says of the payment; null: nothing. */
  readonly receipt: SettleResponse | null;
}

/** Pays whatever is asked, in the library's own steps and without a look at them: the client that sellers would like. */
export interface NaiveBuyer {
  /** The demand, as it came. Rejects where the library finds none. */
  ask(url: string): Promise<PaymentRequired>;
  /** Answers the first option, or the one at that place. */
  sign(demand: PaymentRequired, place?: number): Promise<PaymentPayload>;
  /** May be called again with the same payment, and follows wherever it is sent. */
  send(url: string, payment: PaymentPayload, init?: RequestInit): Promise<Bought>;
  /** All three. */
  buy(url: string): Promise<Bought>;
}

export function createNaiveBuyer(): NaiveBuyer {
  const client = registerExactEvmScheme(new x402Client().setSpendControls(false), { signer: BUYER });
  const wire = new x402HTTPClient(client);
  const buyer: NaiveBuyer = {
    async ask(url) {
      const answer = await fetch(url);
      return wire.getPaymentRequiredResponse((name) => answer.headers.get(name), parsed(await answer.text()));
    },
    sign: (demand, place = 0) => client.createPaymentPayload({ ...demand, accepts: demand.accepts.slice(place, place + 1) }),
    async send(url, payment, init = {}) {
      const answer = await fetch(url, { ...init, headers: { ...init.headers, ...wire.encodePaymentSignatureHeader(payment) } });
      return { status: answer.status, body: parsed(await answer.text()), receipt: receiptIn(wire, answer) };
    },
    async buy(url) {
      return buyer.send(url, await buyer.sign(await buyer.ask(url)));
    },
  };
  return buyer;
}

function receiptIn(wire: x402HTTPClient, answer: Response): SettleResponse | null {
  const isThere = answer.headers.has('payment-response') || answer.headers.has('x-payment-response');
  return isThere ? wire.getPaymentSettleResponse((name) => answer.headers.get(name)) : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
