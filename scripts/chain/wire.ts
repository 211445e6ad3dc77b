import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodePaymentSignatureHeader, encodePaymentRequiredHeader, encodePaymentResponseHeader } from '@x402/core/http';
import type { PaymentPayload, PaymentRequired, PaymentRequirements, SettleResponse } from '@x402/core/types';
import type { Address, Hex } from 'viem';
import { SELLER } from './accounts.ts';
import { NETWORK, NETWORK_V1 } from './chain.ts';
import { USDC, USDC_DOMAIN } from './token.ts';

export type Version = 1 | 2;

/** What a seller wants, in the words of version 2. */
export interface Offer {
  /** CAIP-2. */
  readonly network: string;
  readonly asset: string;
  readonly payTo: string;
  /** In the asset's smallest unit. Not checked: a hostile seller writes what it likes. */
  readonly amount: string;
  readonly maxTimeoutSeconds: number;
}

export const FAIR_OFFER: Offer = { network: NETWORK, asset: USDC, payTo: SELLER, amount: '10000', maxTimeoutSeconds: 60 };

export interface Authorization {
  readonly from: Address;
  readonly to: Address;
  readonly value: string;
  readonly validBefore: string;
  readonly nonce: Hex;
}

const FIELDS = { 1: { payment: 'x-payment', receipt: 'x-payment-response' }, 2: { payment: 'payment-signature', receipt: 'payment-response' } } as const;

/** The chains whose names version 1 has its own words for, of those that are named here. */
const NAMES_V1: Readonly<Record<string, string>> = { [NETWORK]: NETWORK_V1, 'eip155:8453': 'base' };

/** An offer in the words of a version. The library's types know those of version 2 alone and let both through. */
export function requirementsOf(version: Version, offer: Offer, url: string): PaymentRequirements {
  const { network, amount, ...rest } = offer;
  const common = { scheme: 'exact', ...rest, extra: USDC_DOMAIN };
  if (version === 2) return { ...common, network: network as PaymentRequirements['network'], amount };
  const requirements = { ...common, network: NAMES_V1[network] ?? network, maxAmountRequired: amount, resource: url, description: 'a document', mimeType: 'application/json' };
  return requirements as unknown as PaymentRequirements;
}

export function demandOf(version: Version, offers: readonly Offer[], url: string, error: string): PaymentRequired {
  const accepts = offers.map((offer) => requirementsOf(version, offer, url));
  const demand = { x402Version: version, error, accepts };
  return version === 1 ? (demand as unknown as PaymentRequired) : { ...demand, resource: { url } };
}

/** Version 1 demands in the body, version 2 in a field. */
export function sendDemand(response: ServerResponse, demand: PaymentRequired): void {
  const fields = demand.x402Version === 1 ? {} : { 'payment-required': encodePaymentRequiredHeader(demand) };
  response.writeHead(402, { 'content-type': 'application/json', ...fields });
  response.end(JSON.stringify(demand.x402Version === 1 ? demand : {}));
}

export function paymentIn(request: IncomingMessage, version: Version): PaymentPayload | null {
  const field = request.headers[FIELDS[version].payment];
  return typeof field === 'string' ? decodePaymentSignatureHeader(field) : null;
}

export function receiptFields(version: Version, receipt: SettleResponse): Record<string, string> {
  return { [FIELDS[version].receipt]: encodePaymentResponseHeader(receipt) };
}

/** The cheque itself, which both versions wrap alike. */
export function authorizationIn(payment: PaymentPayload): Authorization {
  return payment.payload['authorization'] as Authorization;
}
