import { describe } from 'vitest';
import { BUYER } from './accounts.ts';
import { type Chain, chainAvailable } from './chain.ts';

/** Like `describe`. Where there is no chain, the title of what is skipped says why. */
export function onChain(title: string, tests: () => void): void {
  if (chainAvailable()) describe(title, tests);
  else describe.skip(`${title} (skipped: npm has no anvil for this platform)`, tests);
}

/** What left the buyer's account while that was done, as the chain says. */
export async function spentIn(chain: Chain, action: () => Promise<unknown>): Promise<bigint> {
  const before = await chain.balanceOf(BUYER.address);
  await action();
  return before - (await chain.balanceOf(BUYER.address));
}
