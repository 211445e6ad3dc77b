import { EVM_NETWORK_CHAIN_ID_MAP } from '@x402/evm/v1';

const CHAINS = new Map(Object.entries(EVM_NETWORK_CHAIN_ID_MAP));
const CAIP2 = /^eip155:([1-9]\d{0,14})$/i;

/**
 * The chain that a seller names, as CAIP-2 has it: version 2 calls networks so, version 1 by names
 * of its own, and sellers write the one in the other and either in capitals. ASCII alone: there are
 * letters that look like others, and some become others in lower case. What version 1 has no name
 * for is not signed for in version 1. null: it is none that is known.
 */
export function chainOf(network: string, version: 1 | 2): string | null {
  if (!/^[\x21-\x7e]+$/.test(network)) return null;
  const number = CAIP2.exec(network)?.[1] ?? CHAINS.get(network.toLowerCase())?.toString();
  if (number === undefined) return null;
  const chain = `eip155:${number}`;
  return version === 1 && nameOf(chain) === null ? null : chain;
}

/** As version 1 calls it. */
export function nameOf(chain: string): string | null {
  const number = Number(chain.slice('eip155:'.length));
  return [...CHAINS].find(([, id]) => id === number)?.[0] ?? null;
}
