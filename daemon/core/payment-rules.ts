/** Where the wallet pays, whom, and how much dearer a seller may have become before a person is asked. */
export interface PaymentRules {
  networks: readonly PayableNetwork[];
  /** Addresses, lower-case. Every list has to name a payee: a project's narrows the user's. Empty: no list, whoever the seller names. */
  payees: readonly (readonly string[])[];
  /** How many times its first price an endpoint may cost. */
  priceJump: number;
}

export interface PayableNetwork {
  /** CAIP-2: `eip155:8453`. */
  id: string;
  /** Who is asked what the chain says. null: nobody, and then a payment whose outcome is unknown stays spent. */
  rpc: string | null;
  /** Addresses, lower-case. Each is a dollar with six decimals, so that its smallest unit is a µ$. */
  assets: readonly string[];
}

/**
 * Circle's USDC on Base and on its test network. No RPC is preset: a daemon that asks a stranger about its wallet unbidden
 * tells the stranger whose it is.
 */
export const DEFAULT_PAYMENT: PaymentRules = {
  networks: [
    { id: 'eip155:8453', rpc: null, assets: ['0x833589fcd6edb6e08f4c7c32d4f71b54bda02913'] },
    { id: 'eip155:84532', rpc: null, assets: ['0x036cbd53842c5426634e7929541ec2318f3dcf7e'] },
  ],
  payees: [],
  priceJump: 1.5,
};

/**
 * The user's rules narrowed by a project's: fewer networks, tokens and payees, a lower factor. Whom to ask about the chain
 * stays the user's word, for one who answers "never cashed" gives spent money back to a budget.
 */
export function tightenPayment(user: PaymentRules, project: Partial<PaymentRules>): PaymentRules {
  return {
    networks: project.networks === undefined ? user.networks : narrowed(user.networks, project.networks),
    payees: [...user.payees, ...(project.payees ?? [])],
    priceJump: Math.min(user.priceJump, project.priceJump ?? user.priceJump),
  };
}

function narrowed(networks: readonly PayableNetwork[], to: readonly PayableNetwork[]): PayableNetwork[] {
  return networks.flatMap((network) => {
    const left = to.find(({ id }) => id === network.id)?.assets ?? [];
    const assets = network.assets.filter((asset) => left.includes(asset));
    return assets.length === 0 ? [] : [{ ...network, assets }];
  });
}
