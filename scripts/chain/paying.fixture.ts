import { expect } from 'vitest';
import { BUYER } from './accounts.ts';
import type { Chain } from './chain.ts';
import type { Household } from './household.ts';

export * from './household.ts';

/** The book and the chain tell one story: each payment that was posted is a transfer there, and no transfer is missing. */
export async function expectAgreement(chain: Chain, household: Pick<Household, 'receipts'>): Promise<void> {
  const [receipts, transfers] = [await household.receipts(), await chain.transfersFrom(BUYER.address)];
  const told = receipts.filter(({ state }) => state === 'posted').map(({ nonce, amount, payTo, proof }) => ({ nonce: nonce.toLowerCase(), value: amount, to: payTo, transaction: proof }));
  const done = transfers.map(({ nonce, value, to, transaction }) => ({ nonce: nonce?.toLowerCase(), value, to: to.toLowerCase(), transaction }));
  const byNonce = (a: { nonce: string | undefined }, b: { nonce: string | undefined }): number => (a.nonce! < b.nonce! ? -1 : 1);
  expect(told.sort(byNonce)).toEqual(done.sort(byNonce));
}
