import { HTTPFacilitatorClient } from '@x402/core/http';
import type { PaymentPayload } from '@x402/core/types';
import { listenOnLoopback, type LoopbackServer, readBody } from '../e2e/loopback.ts';
import type { Facilitator } from './facilitator.ts';
import { authorizationIn, demandOf, FAIR_OFFER, type Offer, paymentIn, receiptFields, requirementsOf, sendDemand } from './wire.ts';

/** What happens between a demand and the last byte of what was bought, as the seller sees it. */
export const STEPS = ['asked', 'demanded', 'shown', 'cashed', 'begun', 'served'] as const;
export type Step = (typeof STEPS)[number];

/** An honest seller that can be held up, or break, at every step of a sale. */
export interface StepSeller extends LoopbackServer {
  /** Awaited at each step. What it throws breaks the connection. */
  at: (step: Step, what: string) => Promise<void> | void;
  /** Every payment it was shown, by what it was for: method, path and body. */
  readonly shown: ReadonlyMap<string, readonly PaymentPayload[]>;
}

export interface StepSellerOptions {
  readonly facilitator: Facilitator;
  readonly offer?: Partial<Offer>;
  /** Of the answer that was paid for. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** Two pieces, so that there is a time between them. */
const HALF = 'What was bought is told in two halves. '.repeat(100);

export async function startStepSeller({ facilitator, offer, fields = {} }: StepSellerOptions): Promise<StepSeller> {
  const client = new HTTPFacilitatorClient({ url: facilitator.url });
  const wanted = { ...FAIR_OFFER, ...offer };
  const shown = new Map<string, PaymentPayload[]>();
  const server = await listenOnLoopback(async (request, response) => {
    const what = `${request.method} ${request.url} ${await readBody(request)}`;
    const url = `${server.url}${request.url}`;
    const at = (step: Step): Promise<void> | void => seller.at(step, what);
    try {
      const payment = paymentIn(request, 2);
      if (payment === null) {
        await at('asked');
        sendDemand(response, demandOf(2, [wanted], url, 'payment required'));
        return await at('demanded');
      }
      shown.set(what, [...(shown.get(what) ?? []), payment]);
      await at('shown');
      const { to, value } = authorizationIn(payment);
      const receipt = await client.settle(payment, requirementsOf(2, { ...wanted, payTo: to, amount: value }, url));
      if (!receipt.success) return sendDemand(response, demandOf(2, [wanted], url, receipt.errorReason ?? 'not settled'));
      await at('cashed');
      response.writeHead(200, { 'content-type': 'text/plain', ...fields, ...receiptFields(2, receipt) });
      response.write(HALF);
      await at('begun');
      response.end(HALF);
      await at('served');
    } catch {
      request.socket.resetAndDestroy();
    }
  });
  const seller: StepSeller = { ...server, shown, at: () => {} };
  return seller;
}
