import type { PaymentOption } from '../core/payment-choice.ts';
import type { ChainReader, Clock } from '../ports.ts';

/** What the wallet still has, as far as it is known: a signature that cannot be cashed only locks a budget. */
export interface Funds {
  /** What is left where it is known not to be enough; null: it is enough, or nobody knows. Waits for nothing. */
  short(option: PaymentOption, wallet: string): bigint | null;
  /** Asks the chain. null: it could not be asked. */
  now(option: PaymentOption, wallet: string): Promise<bigint | null>;
  /** That much less is there, until the chain is asked again. */
  spent(option: PaymentOption, wallet: string): void;
}

/** A person who fills the wallet does not want to wait for it longer, in ms. */
const BELIEVED_MS = 10_000;

export function createFunds(chain: Pick<ChainReader, 'balance'>, clock: Clock): Funds {
  const known = new Map<string, { amount: bigint; at: number }>();
  const asking = new Map<string, Promise<bigint | null>>();

  function now({ network, asset }: PaymentOption, wallet: string): Promise<bigint | null> {
    const key = keyOf(network, asset, wallet);
    const underway = asking.get(key);
    if (underway !== undefined) return underway;
    const asked = chain
      .balance({ network, asset, owner: wallet })
      .catch(() => null)
      .then((amount) => {
        asking.delete(key);
        if (amount !== null) known.set(key, { amount, at: clock() });
        return amount;
      });
    asking.set(key, asked);
    return asked;
  }

  return {
    now,
    short(option, wallet) {
      const found = known.get(keyOf(option.network, option.asset, wallet));
      const isFresh = found !== undefined && clock() - found.at < BELIEVED_MS;
      // For the next one: no payment waits for a chain that may take seconds to answer.
      if (!isFresh) void now(option, wallet);
      return isFresh && found.amount < option.amount ? found.amount : null;
    },
    spent({ network, asset, amount }, wallet) {
      const found = known.get(keyOf(network, asset, wallet));
      if (found !== undefined) found.amount -= amount;
    },
  };
}

function keyOf(network: string, asset: string, wallet: string): string {
  return `${network} ${asset} ${wallet}`;
}
