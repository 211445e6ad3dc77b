import type { IncomingMessage, ServerResponse } from 'node:http';
import { HTTPFacilitatorClient } from '@x402/core/http';
import type { PaymentPayload, PaymentRequired, SettleResponse } from '@x402/core/types';
import { listenOnLoopback, readBody, sendJson } from '../e2e/loopback.ts';
import type { Mode } from './modes.ts';
import { documentAt, requestOf, type Seller, type SellerOptions, type SellerRequest } from './seller.ts';
import { authorizationIn, demandOf, FAIR_OFFER, paymentIn, receiptFields, requirementsOf, sendDemand, type Version } from './wire.ts';

/** Everything it has costs something, and it can do whatever a seller can with a signed payment. */
export interface HostileSeller extends Seller {
  /** May change between two requests. */
  mode: Mode;
  /** Every payment it was ever given, oldest first. */
  readonly kept: readonly PaymentPayload[];
  /** Where it sends clients to, and what they brought along. */
  readonly elsewhere: { readonly url: string; readonly requests: readonly SellerRequest[] };
  /** Cashes one it was given, the newest if not told which, however long ago that was. */
  cashLater(payment?: PaymentPayload): Promise<SettleResponse>;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly asked: SellerRequest;
  readonly url: string;
}

export async function startHostileSeller({ facilitator, offer, host, version = 2, mode = {} }: SellerOptions & { readonly version?: Version; readonly mode?: Mode }): Promise<HostileSeller> {
  const client = new HTTPFacilitatorClient({ url: facilitator.url });
  const fair = { ...FAIR_OFFER, ...offer };
  const requests: SellerRequest[] = [];
  const payments: SettleResponse[] = [];
  const kept: PaymentPayload[] = [];
  const elsewhere = await startElsewhere();

  /** Against what was signed, whatever had been demanded: it takes what it can get. */
  const cash = async (payment: PaymentPayload): Promise<SettleResponse> => {
    const { to, value } = authorizationIn(payment);
    const receipt = await client.settle(payment, requirementsOf(version, { ...fair, payTo: to, amount: value }, server.url));
    if (receipt.success) payments.push(receipt);
    return receipt;
  };
  const demand = (url: string, changes: Mode['offers'] = [{}], error = 'payment required'): PaymentRequired =>
    demandOf(version, changes.map((change) => ({ ...fair, ...change })), url, error);
  const serve = ({ response, asked }: Exchange, receipt: SettleResponse | null): void => {
    for (const [name, value] of receipt === null ? [] : Object.entries(receiptFields(version, receipt))) response.setHeader(name, value);
    sendJson(response, documentAt(asked));
  };

  const quote = ({ response, url }: Exchange): void => {
    const { demand: place, offers } = seller.mode;
    if (place === 'garbled') return void response.writeHead(402, { 'payment-required': '{"accepts":', 'content-type': 'text/html' }).end('<p>Pay me.</p>');
    const asked = demand(url, offers);
    const dearer = demand(url, [{ amount: '20000' }]);
    const fields = {
      base64url: base64(asked, 'base64url'),
      plain: JSON.stringify(asked),
      twice: [base64(asked), base64(asked)],
      'two prices': [base64(asked), base64(dearer)],
    };
    if (place !== undefined && place !== 'body') {
      return void response.writeHead(402, { 'payment-required': fields[place] }).end('{}');
    }
    if (place === 'body') return sendJson(response, demand(url, offers), 402);
    sendDemand(response, demand(url, offers));
  };

  const take = async (exchange: Exchange, payment: PaymentPayload): Promise<void> => {
    const { request, response, asked, url } = exchange;
    const { then, again } = seller.mode;
    switch (then) {
      case 'ask again':
        return sendDemand(response, demand(url, [again ?? {}]));
      case 'redirect':
        return void response.writeHead(307, { location: `${elsewhere.url}${asked.path}` }).end();
      case 'fail':
        return sendJson(response, { error: 'out of order' }, 500);
      case 'stall':
        return;
      case 'reset':
        return void request.socket.resetAndDestroy();
      case 'cash without a receipt':
        await cash(payment);
        return serve(exchange, null);
      case 'receipt in base64url': {
        const [[name, value]] = Object.entries(receiptFields(version, await cash(payment))) as [[string, string]];
        response.setHeader(name, Buffer.from(value, 'base64').toString('base64url'));
        return serve(exchange, null);
      }
      case 'cash and deny': {
        const { network } = await cash(payment);
        response.writeHead(402, receiptFields(version, { success: false, errorReason: 'insufficient_funds', transaction: '', network }));
        return void response.end('{}');
      }
      case undefined: {
        const receipt = await cash(payment);
        return receipt.success ? serve(exchange, receipt) : sendDemand(response, demand(url, seller.mode.offers, receipt.errorReason));
      }
    }
  };

  const server = await listenOnLoopback(async (request, response) => {
    const asked = requestOf(request, await readBody(request));
    requests.push(asked);
    const exchange = { request, response, asked, url: `${server.url}${asked.path}` };
    const payment = paymentIn(request, version);
    if (payment === null) return quote(exchange);
    kept.push(payment);
    await take(exchange, payment);
  }, host);

  const seller: HostileSeller = {
    ...server,
    version,
    requests,
    payments,
    mode,
    kept,
    elsewhere,
    cashLater(payment = kept.at(-1)) {
      if (payment === undefined) throw new Error('it has nothing to cash');
      return cash(payment);
    },
    async close() {
      await Promise.all([server.close(), elsewhere.close()]);
    },
  };
  return seller;
}

function base64(value: unknown, coding: 'base64' | 'base64url' = 'base64'): string {
  return Buffer.from(JSON.stringify(value)).toString(coding);
}

/** Another host, as clients see it: an address is one. */
async function startElsewhere() {
  const requests: SellerRequest[] = [];
  const server = await listenOnLoopback(async (request, response) => {
    requests.push(requestOf(request, await readBody(request)));
    sendJson(response, { thanks: 'for coming' });
  }, '127.0.0.2');
  return { ...server, requests };
}
