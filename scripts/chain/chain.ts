import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, createTestClient, defineChain, type Hex, http, publicActions, type TransactionReceipt, TransactionReceiptNotFoundError, walletActions } from 'viem';
import { FACILITATOR } from './accounts.ts';
import { anvilBinary, startAnvil } from './anvil.ts';
import { TOKEN_ABI, TOKEN_ARTIFACT, USDC } from './token.ts';

export const CHAIN_ID = 84_532;
/** What the two versions of x402 call this chain. */
export const NETWORK = `eip155:${CHAIN_ID}` as const;
export const NETWORK_V1 = 'base-sepolia';

export interface Transfer {
  readonly to: Address;
  readonly value: bigint;
  readonly transaction: Hex;
  /** The authorization it cashed; null: an ordinary transfer. */
  readonly nonce: Hex | null;
}

/** A chain of this machine with USDC at its place: the judge of who paid whom. */
export interface Chain {
  /** Its JSON-RPC. */
  readonly url: string;
  readonly pid: number;
  mint(to: Address, value: bigint): Promise<void>;
  balanceOf(owner: Address): Promise<bigint>;
  /** True once the authorization was cashed. */
  authorizationState(authorizer: Address, nonce: Hex): Promise<boolean>;
  /** All that ever left an address, oldest first. */
  transfersFrom(owner: Address): Promise<readonly Transfer[]>;
  /** Seconds since the epoch, as the newest block says. */
  now(): Promise<number>;
  /** Every transaction gets a block of its own at once; this makes empty ones. */
  mine(blocks?: number): Promise<void>;
  /** The chain's clock alone goes on, never back. */
  passTime(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

export function chainAvailable(): boolean {
  return anvilBinary() !== null;
}

/** A chain's clock and money belong to all who use it: who passes time takes one of their own. */
export async function startChain(): Promise<Chain> {
  const anvil = await startAnvil(CHAIN_ID);
  const client = clientOf(anvil.url);
  const token = { address: USDC, abi: TOKEN_ABI } as const;
  try {
    // What it logs nobody reads.
    await client.setLoggingEnabled(false);
    await client.setBalance({ address: FACILITATOR.address, value: 10n ** 24n });
    await plant(client);
  } catch (error) {
    await anvil.stop();
    throw error;
  }
  return {
    url: anvil.url,
    pid: anvil.pid,
    async mint(to, value) {
      await receiptOf(client, await client.writeContract({ ...token, functionName: 'mint', args: [to, value] }));
    },
    balanceOf: (owner) => client.readContract({ ...token, functionName: 'balanceOf', args: [owner] }),
    authorizationState: (authorizer, nonce) => client.readContract({ ...token, functionName: 'authorizationState', args: [authorizer, nonce] }),
    async transfersFrom(owner) {
      const [transfers, used] = await Promise.all([
        client.getContractEvents({ ...token, eventName: 'Transfer', args: { from: owner }, fromBlock: 0n, strict: true }),
        client.getContractEvents({ ...token, eventName: 'AuthorizationUsed', args: { authorizer: owner }, fromBlock: 0n, strict: true }),
      ]);
      const nonces = new Map(used.map(({ transactionHash, args }) => [transactionHash, args.nonce]));
      return transfers.map(({ transactionHash, args: { to, value } }) => ({ to, value, transaction: transactionHash, nonce: nonces.get(transactionHash) ?? null }));
    },
    now: async () => Number((await client.getBlock()).timestamp),
    mine: (blocks = 1) => client.mine({ blocks }),
    async passTime(seconds) {
      await client.increaseTime({ seconds });
      await client.mine({ blocks: 1 });
    },
    stop: () => anvil.stop(),
  };
}

/** Of the facilitator, who has gas to spend. */
export function clientOf(url: string) {
  const chain = defineChain({ id: CHAIN_ID, name: 'a chain of this machine', nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 }, rpcUrls: { default: { http: [url] } } });
  return createTestClient({ mode: 'anvil', chain, account: FACILITATOR, transport: http(url), pollingInterval: 10, cacheTime: 0 }).extend(publicActions).extend(walletActions);
}

const RECEIPT_MS = 10_000;

/**
 * Of a transaction that was sent. viem's own `waitForTransactionReceipt` asked between a block and its receipts (one time in five
 * hundred on a busy machine) goes on to wait for the next block, and here the next comes with the next transaction.
 */
export async function receiptOf(client: ReturnType<typeof clientOf>, hash: Hex): Promise<TransactionReceipt> {
  for (const began = performance.now(); ; await sleep(10)) {
    try {
      return await client.getTransactionReceipt({ hash });
    } catch (error) {
      if (!(error instanceof TransactionReceiptNotFoundError) || performance.now() - began > RECEIPT_MS) throw error;
    }
  }
}

/** A constructor answers with the code that it leaves behind, so deploying is asked for, not done. */
async function plant(client: ReturnType<typeof clientOf>): Promise<void> {
  const { data } = await client.call({ data: TOKEN_ARTIFACT.bytecode });
  if (data === undefined) throw new Error('the token gave no code');
  await client.setCode({ address: USDC, bytecode: data });
}
