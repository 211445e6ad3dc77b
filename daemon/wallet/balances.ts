import type { BalanceRow } from '../contract/wallet-views.ts';
import type { PayableNetwork } from '../core/payment-rules.ts';
import type { ChainReader } from '../ports.ts';

/** What an address has of every token it may pay with; one chain that does not answer holds up no other. */
export function balancesOf(chain: Pick<ChainReader, 'balance'>, networks: readonly PayableNetwork[], owner: string): Promise<BalanceRow[]> {
  const rows = networks.flatMap(({ id, rpc, assets }) => assets.map((asset) => ({ network: id, asset, rpc })));
  return Promise.all(
    rows.map(async ({ rpc, ...of }): Promise<BalanceRow> => {
      if (rpc === null) return { ...of, amount: null, unknown: 'NO_RPC' };
      const amount = await chain.balance({ ...of, owner });
      return amount === null ? { ...of, amount: null, unknown: 'NO_ANSWER' } : { ...of, amount: amount.toString(), unknown: null };
    }),
  );
}
