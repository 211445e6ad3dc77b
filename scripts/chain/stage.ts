import { BUYER } from './accounts.ts';
import { type Chain, startChain } from './chain.ts';
import { type Facilitator, startFacilitator } from './facilitator.ts';
import { startHonestV1 } from './honest-v1.ts';
import { startHonestV2 } from './honest-v2.ts';
import { type HostileSeller, startHostileSeller } from './hostile-seller.ts';
import type { Seller } from './seller.ts';

/** All that a payment needs, on this machine: a chain, a facilitator, sellers, and a buyer with money. */
export interface PaymentStage {
  readonly chain: Chain;
  readonly facilitator: Facilitator;
  readonly honestV1: Seller;
  readonly honestV2: Seller;
  /** Speaks version 2. */
  readonly hostile: HostileSeller;
  close(): Promise<void>;
}

/** Ten dollars. */
export const BUYER_HAS = 10_000_000n;

export async function openPaymentStage(): Promise<PaymentStage> {
  const open: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    for (const one of open.splice(0).reverse()) await one.close();
  };
  const opened = <T extends { close(): Promise<void> }>(one: T): T => {
    open.push(one);
    return one;
  };
  try {
    const chain = await startChain();
    open.push({ close: () => chain.stop() });
    await chain.mint(BUYER.address, BUYER_HAS);
    const facilitator = opened(await startFacilitator(chain));
    const honestV1 = opened(await startHonestV1({ facilitator }));
    const honestV2 = opened(await startHonestV2({ facilitator }));
    const hostile = opened(await startHostileSeller({ facilitator }));
    return { chain, facilitator, honestV1, honestV2, hostile, close };
  } catch (error) {
    await close();
    throw error;
  }
}
