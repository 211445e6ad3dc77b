import { getRequestListener } from '@hono/node-server';
import { HTTPFacilitatorClient } from '@x402/core/http';
import type { SettleResponse } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/server';
import { paymentMiddleware, x402ResourceServer } from '@x402/hono';
import { Hono } from 'hono';
import { listenOnLoopback } from '../e2e/loopback.ts';
import { NETWORK } from './chain.ts';
import { documentAt, requestOf, type Seller, type SellerOptions, type SellerRequest } from './seller.ts';
import { USDC_DOMAIN } from './token.ts';
import { FAIR_OFFER } from './wire.ts';

/** With the middleware that sellers use. */
export async function startHonestV2({ facilitator, offer, host }: SellerOptions): Promise<Seller> {
  const { asset, amount, payTo, maxTimeoutSeconds } = { ...FAIR_OFFER, ...offer };
  const requests: SellerRequest[] = [];
  const payments: SettleResponse[] = [];
  const till = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator.url })).register(NETWORK, new ExactEvmScheme());
  till.onAfterSettle(async ({ result }) => void payments.push(result));
  // Done here, for the middleware would begin it in the background and tell nobody how it went.
  await till.initialize();
  const route = { accepts: { scheme: 'exact', network: NETWORK, payTo, maxTimeoutSeconds, price: { asset, amount, extra: USDC_DOMAIN } }, description: 'a document', mimeType: 'application/json' };
  const app = new Hono<{ Bindings: { incoming: Parameters<typeof requestOf>[0] }; Variables: { asked: SellerRequest } }>();
  app.use(async (context, next) => {
    const asked = requestOf(context.env.incoming, await context.req.text());
    requests.push(asked);
    context.set('asked', asked);
    await next();
  });
  app.use(paymentMiddleware({ '/paid/*': route }, till, undefined, undefined, false));
  app.all('*', (context) => context.json(documentAt(context.get('asked'))));
  const answer = getRequestListener(app.fetch);
  const server = await listenOnLoopback(async (request, response) => void (await answer(request, response)), host);
  return { ...server, version: 2, requests, payments };
}
