import { setTimeout as sleep } from 'node:timers/promises';
import type { Address, Hex } from 'viem';
import { parseAmount, type Micros } from '../../daemon/core/amount.ts';
import { chainAvailable } from '../chain/chain.ts';
import type { Cleanup } from './cleanup.ts';

/** A seller that wants to be paid before it delivers, a chain of this machine to pay on, and a wallet with money there. */
export interface Market {
  /** Of the seller: `127.0.0.1:4802`. */
  readonly host: string;
  /** Of what it sells. */
  readonly path: string;
  readonly price: Micros;
  readonly network: string;
  readonly rpc: string;
  /** Opens the wallet. */
  readonly key: Hex;
  readonly payee: Address;
  /** Once somebody has asked for the document. */
  asked(): Promise<void>;
  /** Of the wallet, as the chain says. */
  balance(): Promise<Micros>;
  /** What left the wallet, as the chain says. */
  transfers(): Promise<readonly { value: Micros; to: Address; transaction: Hex }[]>;
}

/** As long as a facilitator takes over each of its two answers; out there it is more. */
const SETTLING_MS = 400;
const ASKED_MS = 10_000;

/** null: npm has no chain for this machine. What makes a chain is read only where there is one. */
export async function openMarket(cleanup: Cleanup): Promise<Market | null> {
  if (!chainAvailable()) return null;
  const [{ BUYER, KEYS, SELLER }, { NETWORK, startChain }, { startFacilitator }, { startHonestV2 }, { BUYER_HAS }] = await Promise.all([
    import('../chain/accounts.ts'),
    import('../chain/chain.ts'),
    import('../chain/facilitator.ts'),
    import('../chain/honest-v2.ts'),
    import('../chain/stage.ts'),
  ]);
  const chain = await startChain();
  cleanup.add(() => chain.stop());
  await chain.mint(BUYER.address, BUYER_HAS);
  const facilitator = await startFacilitator(chain);
  cleanup.add(() => facilitator.close());
  facilitator.slowMs = SETTLING_MS;
  const price = parsed(PRICE);
  const seller = await startHonestV2({ facilitator, offer: { amount: String(price) } });
  cleanup.add(() => seller.close());
  return {
    host: `127.0.0.1:${seller.port}`,
    path: '/paid/standards',
    price,
    network: NETWORK,
    rpc: chain.url,
    key: KEYS.buyer,
    payee: SELLER,
    async asked() {
      for (const end = Date.now() + ASKED_MS; seller.requests.length === 0; await sleep(5)) {
        if (Date.now() > end) throw new Error('nobody has asked for what is sold');
      }
    },
    balance: () => chain.balanceOf(BUYER.address),
    transfers: () => chain.transfersFrom(BUYER.address),
  };
}

export const PRICE = '$0.15';

function parsed(text: string): Micros {
  const read = parseAmount(text);
  if (!read.ok) throw new Error(read.problem);
  return read.amount;
}
