import { randomBytes } from 'node:crypto';
import type { Log } from './lifecycle/log.ts';
import { createPayer } from './payer/payer.ts';
import { createCheques, type Cheques } from './pipeline/cheques.ts';
import { createFunds } from './pipeline/funds.ts';
import { createPaidRequests, type PaidRequests } from './pipeline/paid-request.ts';
import { createPaidToolCalls, type PaidToolCalls } from './pipeline/paid-tool-call.ts';
import type { Parts } from './pipeline/parts.ts';
import { createPurchases, type Purchases } from './pipeline/purchase.ts';
import { createToolPayments, type ToolPayments } from './pipeline/tool-payments.ts';
import type { ChainReader, Payer, Upstream } from './ports.ts';
import type { Custody } from './wallet/custody.ts';

/** Everything that pays. */
export interface Payments {
  payer: Payer;
  purchases: Purchases;
  paidRequests: PaidRequests;
  toolCalls: PaidToolCalls;
  toolPayments: ToolPayments;
  cheques: Cheques;
}

export interface PaymentParts {
  parts: Parts;
  custody: Custody;
  chain: ChainReader;
  upstream: Upstream;
  rpcOf(network: string): string | null;
  /** The built thread that signs. */
  signer: URL;
  log: Log;
}

export function assemblePayments({ parts, custody, chain, upstream, rpcOf, signer, log }: PaymentParts): Payments {
  const payer = createPayer({ file: signer, key: () => custody.key() });
  const purchases = createPurchases({
    parts,
    payer,
    standing: () => custody.standing(),
    approvals: parts.approvals,
    funds: createFunds(chain, parts.clock),
    nextId: () => randomBytes(9).toString('base64url'),
    failed: (error) => log.error('a payment was made and the ledger could not be written', error),
  });
  const paidRequests = createPaidRequests({ payer, purchases, upstream });
  const toolCalls = createPaidToolCalls({ parts, payer, purchases, paidRequests });
  return {
    payer,
    purchases,
    paidRequests,
    toolCalls,
    toolPayments: createToolPayments({ calls: toolCalls, nextId: () => randomBytes(18).toString('base64url') }),
    cheques: createCheques({ parts, chain, hasRpc: (network) => rpcOf(network) !== null, failed: (error) => log.error('cheques', error) }),
  };
}

/** For people to type: no letter that reads like another. */
export function approvalId(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
  return Array.from(randomBytes(5), (byte) => letters[byte % letters.length]).join('');
}

/** Whose money it is, without waiting: answers are kept by it, and every request asks. */
export function walletAddress({ edition, owner, standing }: Pick<Custody, 'edition' | 'owner' | 'standing'>, failed: (error: unknown) => void): () => string {
  let known = '';
  let asked: string | null = null;
  return () => {
    const now = edition();
    if (now === asked) return known;
    asked = now;
    known = owner() ?? '';
    // A file that does not name its owner says so once it is open.
    if (known === '') standing().then(({ address }) => (known = address ?? ''), failed);
    return known;
  };
}
