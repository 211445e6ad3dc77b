import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { SettleResponse } from '@x402/core/types';
import type { LoopbackServer } from '../e2e/loopback.ts';
import type { Facilitator } from './facilitator.ts';
import type { Offer, Version } from './wire.ts';

export interface SellerRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Below `/paid/` every document has the seller's price; the others are free. */
export interface Seller extends LoopbackServer {
  readonly version: Version;
  /** All that arrived, paid for or not. */
  readonly requests: readonly SellerRequest[];
  /** Those payments of which the facilitator said that they are settled. */
  readonly payments: readonly SettleResponse[];
}

export interface SellerOptions {
  readonly facilitator: Facilitator;
  /** What differs from the fair offer: one cent, for a minute. */
  readonly offer?: Partial<Offer>;
  readonly host?: string;
}

/** What is sold. It says what it was asked, so that a test sees whether the second request repeats the first. */
export interface Document {
  readonly path: string;
  readonly text: string;
  readonly asked: string;
}

export function documentAt({ path, body }: SellerRequest): Document {
  return { path, text: `All there is to know about ${path}.`, asked: body };
}

export function isFree(path: string): boolean {
  return !path.startsWith('/paid/');
}

export function requestOf({ method = 'GET', url = '/', headers }: IncomingMessage, body: string): SellerRequest {
  return { method, path: new URL(url, 'http://loopback').pathname, headers, body };
}
