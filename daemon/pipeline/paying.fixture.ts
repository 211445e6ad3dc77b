import { privateKeyToAccount } from 'viem/accounts';
import { readDemand } from '../payer/demand.ts';
import { readSettlement, readSettlementText } from '../payer/settlement.ts';
import { openWallet, sign } from '../payer/sign.ts';
import { base64, SELLER } from '../payer/sellers.fixture.ts';
import { DEMAND_FIELDS, SETTLEMENT_FIELDS, valuesOf } from '../payer/payer.ts';
import type { Fields, Payer, WebAnswer } from '../ports.ts';
import type { Approvals } from './approvals.ts';
import { createExchangeWorld, type ExchangeWorld } from './exchange.fixture.ts';
import { createFunds } from './funds.ts';
import { createPaidRequests } from './paid-request.ts';
import { createPurchases, type Purchases } from './purchase.ts';

const KEY = `0x${'11'.repeat(32)}` as const;
export const WALLET = privateKeyToAccount(KEY).address.toLowerCase();
export const TRANSACTION = `0x${'c4'.repeat(32)}`;

/** A wallet that really signs, in this very thread. */
export function inlinePayer(): Payer & { readonly signed: number } {
  const wallet = openWallet(KEY);
  let signed = 0;
  return {
    get signed() {
      return signed;
    },
    address: async () => WALLET,
    demandOf: async ({ fields, body }) => readDemand(valuesOf(fields, DEMAND_FIELDS), body.toString('utf8')),
    async sign({ raw }, option, validSeconds) {
      signed += 1;
      return sign(wallet, { raw, option, validSeconds });
    },
    async settlementOf(fields) {
      return readSettlement(valuesOf(fields, SETTLEMENT_FIELDS));
    },
    settlementIn: async (meta) => (meta === null ? null : readSettlementText(JSON.stringify(meta))),
    close: async () => {},
  };
}

export interface PayingWorld extends ExchangeWorld {
  payer: ReturnType<typeof inlinePayer>;
  approvals: Approvals;
  purchases: Purchases;
  /** What the chain says the wallet has; null: it cannot be asked. */
  funds: { has: bigint | null };
  wallet: { address: string | null; problem: string | null };
}

/** The exchange with a wallet; sellers are stand-ins. */
export function createPayingWorld(config: object = {}): PayingWorld {
  const payer = inlinePayer();
  const funds: PayingWorld['funds'] = { has: null };
  const wallet: PayingWorld['wallet'] = { address: WALLET, problem: null };
  const made = {} as Pick<PayingWorld, 'approvals' | 'purchases'>;
  const one = createExchangeWorld(config, ({ parts, upstream, nextId, failed }) => {
    made.approvals = parts.approvals;
    made.purchases = createPurchases({ parts, payer, standing: async () => ({ ...wallet }), approvals: made.approvals, funds: createFunds({ balance: async () => funds.has }, parts.clock), nextId, failed });
    return createPaidRequests({ payer, purchases: made.purchases, upstream });
  });
  return Object.assign(one, { payer, funds, wallet, ...made });
}

/** A 402 as sellers of version 2 and 1 answer it. */
export const demandsV2 = (demand: object): WebAnswer => ({ status: 402, fields: { 'payment-required': base64(demand), 'content-type': 'application/json' }, body: Buffer.from('{}') });
export const demandsV1 = (demand: object, fields: Fields = {}): WebAnswer => ({ status: 402, fields: { 'content-type': 'application/json', ...fields }, body: Buffer.from(JSON.stringify(demand)) });

export const receipt = (more: object = {}): Fields => ({ 'payment-response': base64({ success: true, transaction: TRANSACTION, network: 'eip155:84532', payer: WALLET, ...more }) });
export const paidTo = SELLER.toLowerCase();
