import { HTTPFacilitatorClient } from '@x402/core/http';
import type { SettleResponse } from '@x402/core/types';
import { listenOnLoopback, readBody, sendJson } from '../e2e/loopback.ts';
import { documentAt, isFree, requestOf, type Seller, type SellerOptions, type SellerRequest } from './seller.ts';
import { demandOf, FAIR_OFFER, paymentIn, receiptFields, sendDemand } from './wire.ts';

/** By hand, as version 1 says: its own server library would bring 400 MB of packages. */
export async function startHonestV1({ facilitator, offer, host }: SellerOptions): Promise<Seller> {
  const client = new HTTPFacilitatorClient({ url: facilitator.url });
  const requests: SellerRequest[] = [];
  const payments: SettleResponse[] = [];
  const server = await listenOnLoopback(async (request, response) => {
    const asked = requestOf(request, await readBody(request));
    requests.push(asked);
    if (isFree(asked.path)) return sendJson(response, documentAt(asked));
    const demand = demandOf(1, [{ ...FAIR_OFFER, ...offer }], `${server.url}${asked.path}`, 'X-PAYMENT header is required');
    const payment = paymentIn(request, 1);
    if (payment === null) return sendDemand(response, demand);
    const requirements = demand.accepts[0]!;
    const verified = await client.verify(payment, requirements);
    if (!verified.isValid) return sendDemand(response, { ...demand, error: verified.invalidReason ?? 'invalid_payment' });
    const receipt = await client.settle(payment, requirements);
    if (!receipt.success) return sendDemand(response, { ...demand, error: receipt.errorReason ?? 'settlement_failed' });
    payments.push(receipt);
    for (const [name, value] of Object.entries(receiptFields(1, receipt))) response.setHeader(name, value);
    sendJson(response, documentAt(asked));
  }, host);
  return { ...server, version: 1, requests, payments };
}
