import { DEFAULT_PAYMENT } from './payment-rules.ts';

/** Names by chain id, as the chains call themselves. */
const NETWORKS: Record<string, string> = {
  'eip155:1': 'Ethereum',
  'eip155:10': 'Optimism',
  'eip155:137': 'Polygon',
  'eip155:8453': 'Base',
  'eip155:42161': 'Arbitrum',
  'eip155:43114': 'Avalanche',
  'eip155:84532': 'Base Sepolia',
};

/** "Base"; a network without a name here keeps its id. */
export function networkName(id: string): string {
  return NETWORKS[id] ?? id;
}

/** "USDC on Base". Only the preset tokens have a name: whatever else calls itself USDC has to show its address. */
export function tokenName(network: string, asset: string): string {
  const isPreset = DEFAULT_PAYMENT.networks.some((known) => known.id === network && known.assets.includes(asset.toLowerCase()));
  return `${isPreset ? 'USDC' : asset} on ${networkName(network)}`;
}
