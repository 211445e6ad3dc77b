import { parseAmount, type Micros } from '../../daemon/core/amount.ts';
import type { Market } from './market.ts';

/** What the seller charges, by path. The free one is counted all the same. */
export const PRICES = {
  '/docs': '$0',
  '/search': '$0.02',
  '/extract': '$0.05',
  '/research': '$0.10',
  '/v1/chat/completions': '$0.15',
} as const;

export type Path = keyof typeof PRICES;

/** Each with $1 of its own. */
export const TEAM = ['researcher', 'executor', 'debugger', 'reviewer', 'writer'] as const;

export type Role = (typeof TEAM)[number];

/** `config.json`: the figures of the use case, for a seller at `127.0.0.1:4801`. A local address is governed because a price names it; `x402` is whatever its seller demands. */
export function configFor(seller: string, market: Market | null): object {
  return {
    policy: { sessionBudget: '$5', dailyBudget: '$20', maxPerRequest: '$0.50', alertOnThreshold: 0.7 },
    agents: { ...Object.fromEntries(TEAM.map((role) => [role, { agentBudget: '$1' }])), 'ralph-loop': { agentBudget: '$3' } },
    prices: [
      ...Object.entries(PRICES).map(([path, price]) => ({ endpoint: `${seller}${path}`, price })),
      ...(market === null ? [] : [{ endpoint: `${market.host}/*`, price: 'x402' }]),
    ],
    ...(market === null ? {} : { networks: [{ id: market.network, rpc: market.rpc }] }),
  };
}

export function priceOf(path: string): Micros {
  const price = parseAmount(PRICES[path as Path] ?? '');
  if (!price.ok) throw new Error(`the seller has no price for ${path}`);
  return price.amount;
}
