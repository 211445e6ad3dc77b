import type { ChainTransfer, TransfersRead } from '../ports.ts';
import type { Call } from './json-rpc.ts';
import { bytes32, hex, padded, quantity, word } from './words.ts';

/** Topics: the hashes of these signatures (EIP-3009, ERC-20). In both the first argument is whose money it is. */
export const AUTHORIZATION_USED = '0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5'; // AuthorizationUsed(address,bytes32)
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'; // Transfer(address,address,uint256)

/** Nodes answer for some thousand blocks at once: on Base these are five hours. */
export const SPAN = 9_000n;
/** How often a node is asked for logs: on Base these are ten days. */
const MAX_CHUNKS = 50;

/**
 * What left an address, read from the newest block backwards. A node that gives less at once, by blocks or by bytes, is asked
 * for less, and then not as far back.
 */
export async function readTransfers(call: Call, { asset, from, since }: { asset: string; from: string; since: number }): Promise<TransfersRead> {
  const latest = await blockOf(call, 'latest');
  const first = await firstBlock(call, since, latest);
  const logs: Log[] = [];
  let span = SPAN;
  let next = latest.number;
  for (let asked = 0; asked < MAX_CHUNKS && next >= first.number; asked += 1) {
    const low = next - span + 1n > first.number ? next - span + 1n : first.number;
    const found = await logsOf(call, asset, from, low, next);
    if (found === null) {
      if (span === 1n) throw new Error('no logs');
      span /= 2n;
      continue;
    }
    logs.push(...found);
    next = low - 1n;
  }
  if (next === latest.number) throw new Error('no logs');
  const isWhole = next < first.number && first.isEnough;
  return { transfers: paired(logs), since: isWhole ? since : (await blockOf(call, hex(next + 1n))).time, asOf: latest.time };
}

interface Block {
  number: bigint;
  /** Seconds since the epoch. */
  time: number;
}

async function blockOf(call: Call, which: string): Promise<Block> {
  const block = (await call('eth_getBlockByNumber', which, false)) as { number?: unknown; timestamp?: unknown };
  const number = quantity(block.number);
  if (which !== 'latest' && hex(number) !== which) throw new Error('another block');
  return { number, time: Number(quantity(block.timestamp)) };
}

/** The first block of that time or later, among those that a node is asked for at most. `isEnough`: none before it is of that time. */
async function firstBlock(call: Call, since: number, latest: Block): Promise<{ number: bigint; isEnough: boolean }> {
  const bound = latest.number - SPAN * BigInt(MAX_CHUNKS) + 1n;
  let low = bound > 0n ? bound : 0n;
  if ((await blockOf(call, hex(low))).time >= since) return { number: low, isEnough: low === 0n };
  let high = latest.number;
  while (low < high) {
    const middle = (low + high) / 2n;
    if ((await blockOf(call, hex(middle))).time >= since) high = middle;
    else low = middle + 1n;
  }
  return { number: low, isEnough: true };
}

interface Log {
  transaction: string;
  block: bigint;
  index: bigint;
  what: { transfer: { to: string; amount: bigint } } | { used: string };
}

/** null: the node gave none. What it gives and is odd is an error. */
async function logsOf(call: Call, asset: string, from: string, low: bigint, high: bigint): Promise<Log[] | null> {
  const whose = `0x${padded(from)}`;
  let found: unknown;
  try {
    found = await call('eth_getLogs', { address: asset, topics: [[TRANSFER, AUTHORIZATION_USED], whose], fromBlock: hex(low), toBlock: hex(high) });
  } catch {
    return null;
  }
  if (!Array.isArray(found)) throw new Error('no list');
  return found.map((raw: unknown): Log => {
    const log = raw as Record<'address' | 'topics' | 'data' | 'transactionHash' | 'blockNumber' | 'logIndex' | 'removed', unknown>;
    const [event, owner, other, more] = Array.isArray(log.topics) ? (log.topics as unknown[]).map(bytes32) : [];
    const block = quantity(log.blockNumber);
    const isAsked = typeof log.address === 'string' && log.address.toLowerCase() === asset.toLowerCase() && owner === whose && block >= low && block <= high;
    if (!isAsked || other === undefined || more !== undefined || log.removed === true) throw new Error('not what was asked for');
    const place = { transaction: bytes32(log.transactionHash), block, index: quantity(log.logIndex) };
    if (event === AUTHORIZATION_USED) return { ...place, what: { used: other } };
    if (event !== TRANSFER || !/^0x0{24}/.test(other)) throw new Error('not a transfer');
    return { ...place, what: { transfer: { to: `0x${other.slice(26)}`, amount: word(log.data) } } };
  });
}

/**
 * A token says that an authorization is used and then moves the money, and one transaction may do so for many: each takes the
 * next transfer that none has taken. Where a token says it afterwards, the last one before.
 */
function paired(logs: readonly Log[]): ChainTransfer[] {
  const inOrder = logs.toSorted((a, b) => Number(a.block - b.block) || Number(a.index - b.index));
  const transfers = inOrder.flatMap(({ transaction, block, index, what }) => ('used' in what ? [] : [{ index, found: { transaction, ...what.transfer, nonce: null as string | null, block: Number(block) } }]));
  for (const { transaction, index, what } of inOrder) {
    if (!('used' in what)) continue;
    const free = transfers.filter(({ found }) => found.transaction === transaction && found.nonce === null);
    const taken = free.find((one) => one.index > index) ?? free.at(-1);
    if (taken !== undefined) taken.found.nonce = what.used;
  }
  return transfers.map(({ found }) => found);
}
