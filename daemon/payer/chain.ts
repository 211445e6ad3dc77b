import type { ChainReader, Upstream } from '../ports.ts';
import { jsonRpc, type Call } from './json-rpc.ts';
import { AUTHORIZATION_USED, readTransfers, SPAN } from './transfers.ts';
import { hex, padded, quantity, word } from './words.ts';

export interface ChainOptions {
  upstream: Upstream;
  /** The user's RPC for a network (CAIP-2); null: none, so nobody is asked. */
  rpcOf(network: string): string | null;
  /** One question with all its calls, in ms. */
  timeMs?: number;
  /** The one that takes many calls, `transfers`. */
  readMs?: number;
}

/** Selectors: the first bytes of the hashes of these signatures (EIP-3009, ERC-20). */
const AUTHORIZATION_STATE = '0xe94a0102'; // authorizationState(address,bytes32)
const BALANCE_OF = '0x70a08231'; // balanceOf(address)

/**
 * A few calls of JSON-RPC, so neither viem nor the payer's thread: whoever has the key has no connection, and a node that
 * hangs delays no signature. What cannot be asked, and whatever is odd about an answer, is null: money that is in doubt
 * stays spent.
 */
export function createChainReader({ upstream, rpcOf, timeMs = 10_000, readMs = 60_000 }: ChainOptions): ChainReader {
  async function asked<T>(network: string, question: (call: Call) => Promise<T>, withinMs = timeMs): Promise<T | null> {
    const url = rpcOf(network);
    if (url === null) return null;
    const signal = AbortSignal.timeout(withinMs);
    const call: Call = (method, ...params) => jsonRpc(upstream, url, { method, params }, signal);
    try {
      // Another chain knows nothing of this authorization, and would say that it was never cashed.
      const chain = quantity(await call('eth_chainId'));
      return network === `eip155:${chain}` ? await question(call) : null;
    } catch {
      // The message of an error has the address in it, and that often a key.
      return null;
    }
  }

  return {
    authorization: ({ network, asset, from, nonce }) =>
      asked(network, async (call) => {
        const block = (await call('eth_getBlockByNumber', 'latest', false)) as { number?: unknown; timestamp?: unknown };
        const [number, asOf] = [quantity(block.number), Number(quantity(block.timestamp))];
        // Asked at that very block: behind one address stand many nodes, and some are late.
        const state = word(await call('eth_call', { to: asset, data: AUTHORIZATION_STATE + padded(from) + padded(nonce) }, hex(number)));
        if (state === 0n) return { cashed: false, asOf };
        if (state !== 1n) throw new Error('not a truth value');
        return { cashed: true, transaction: await transactionOf(call, asset, from, nonce, number) };
      }),
    balance: ({ network, asset, owner }) => asked(network, async (call) => word(await call('eth_call', { to: asset, data: BALANCE_OF + padded(owner) }, 'latest'))),
    transfers: ({ network, asset, from, since }) => asked(network, (call) => readTransfers(call, { asset, from, since }), readMs),
  };
}

/** Nice to have; that it was cashed is known without it. */
async function transactionOf(call: Call, asset: string, from: string, nonce: string, latest: bigint): Promise<string | null> {
  const fromBlock = hex(latest > SPAN ? latest - SPAN : 0n);
  try {
    const logs = (await call('eth_getLogs', { address: asset, topics: [AUTHORIZATION_USED, `0x${padded(from)}`, nonce], fromBlock, toBlock: 'latest' })) as { transactionHash?: unknown }[];
    const hash = logs[0]?.transactionHash;
    return typeof hash === 'string' && /^0x[0-9a-fA-F]{64}$/.test(hash) ? hash.toLowerCase() : null;
  } catch {
    return null;
  }
}
